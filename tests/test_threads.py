"""Settings of the process beside other threads: held while anyone needs them, and then put back."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
import torch
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from lanzdml import PCA, InDiReCT, InDiReCTSVD, TextSubspace
from lanzdml.arithmetic import threads
from lanzdml.arithmetic.threads import Held, full_float32, one_blas_thread, one_torch_thread
from lanzdml.sources import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
LONG = 60  # seconds; only what has failed waits for them
TEXT = np.random.default_rng(0).standard_normal((9, 6)).astype(np.float32)


def blas_threads():
    """Of the libraries with one pool for the process: others, such as faiss', have one a thread."""
    return {
        pool["num_threads"]
        for pool in threadpool_info()
        if pool["user_api"] == "blas" and pool.get("threading_layer") == "pthreads"
    }


@pytest.fixture
def two_threads():
    """The threads of both libraries, which are as many on a machine of any size."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threadpool_limits(2, user_api="blas"):
        yield
    torch.set_num_threads(before)


@pytest.fixture
def workers():
    """Two threads that do what they are told, each one thing after another."""
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        yield [lambda work, *given, pool=pool: pool.submit(work, *given).result()
               for pool in (one, other)]  # fmt: skip


def in_a_new_thread(work):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def leave(block):
    return block.__exit__(None, None, None)


@pytest.mark.parametrize("first_out", [0, 1])
def test_one_blas_thread_until_the_last_block_ends(two_threads, workers, first_out):
    blocks = [one_blas_thread(), one_blas_thread()]
    for worker, block in zip(workers, blocks, strict=True):
        worker(block.__enter__)
        assert blas_threads() == {1}
    for position in (first_out, 1 - first_out):
        assert blas_threads() == {1}
        workers[position](leave, blocks[position])
    assert blas_threads() == {2}


@pytest.mark.parametrize("first_out", [0, 1])
def test_one_torch_thread_for_each_until_its_block_ends(two_threads, workers, first_out):
    blocks, count = [one_torch_thread(), one_torch_thread()], torch.get_num_threads
    for worker, block in zip(workers, blocks, strict=True):
        worker(block.__enter__)
        assert worker(count) == 1
    for position in (first_out, 1 - first_out):
        assert workers[position](count) == 1
        workers[position](leave, blocks[position])
        assert workers[position](count) == 2
    assert count() == 2


def test_threads_that_begin_beside_a_block_are_left_alone(two_threads):
    count = torch.get_num_threads
    with one_torch_thread():
        assert in_a_new_thread(count) == 2
        with one_torch_thread():
            assert count() == 1
        assert count() == 1
        assert in_a_new_thread(count) == 2
    assert count() == in_a_new_thread(count) == 2


def side_by_side(monkeypatch, cls, hook, use):
    """Use two estimators in two threads: both are inside ``hook``, the first in leaves first.

    Returns:
        what ``(blas, torch)`` threads there were inside, in the one that leaves last, after the
        other had left; and in both threads in the end.
    """
    inside, may_leave, plain, seen = [Event(), Event()], Event(), getattr(cls, hook), []

    def threads():
        return blas_threads(), torch.get_num_threads()

    def slow(self, *given):
        position = self.random_state
        inside[position].set()
        assert (may_leave if position else inside[1]).wait(LONG)
        if position:
            seen.append(threads())
        return plain(self, *given)

    monkeypatch.setattr(cls, hook, slow)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        first = one.submit(use, 0)
        assert inside[0].wait(LONG)
        second = other.submit(use, 1)
        first.result()
        may_leave.set()
        second.result()
        seen += [pool.submit(threads).result() for pool in (one, other)]
    return seen


def test_transforms_side_by_side_have_one_thread_and_leave_what_there_was(two_threads, monkeypatch):
    fitted = [TextSubspace(2, random_state=seed).fit(TEXT) for seed in (0, 1)]
    use = lambda position: fitted[position].transform(TEXT)  # noqa: E731
    found = side_by_side(monkeypatch, TextSubspace, "_transform", use)
    assert found == [({1}, 2), ({2}, 2), ({2}, 2)]
    assert blas_threads() == {2}


@pytest.mark.parametrize(
    ("cls", "inside"), [(PCA, ({1}, 2)), (InDiReCT, ({2}, 1)), (InDiReCTSVD, ({1}, 1))]
)
def test_fits_side_by_side_have_one_thread_and_leave_what_there_was(
    two_threads, monkeypatch, cls, inside
):
    params = {} if cls is PCA else {"max_iter": 3}
    use = lambda seed: cls(2, random_state=seed, **params).fit(TEXT)  # noqa: E731
    found = side_by_side(monkeypatch, cls, "_fit", use)
    assert found == [inside, ({2}, 2), ({2}, 2)]
    assert blas_threads() == {2}
    assert torch.get_num_threads() == 2


def test_libraries_are_looked_for_again_when_something_was_imported(monkeypatch):
    looked = []

    def look():
        looked.append(len(sys.modules))
        return ThreadpoolController()

    monkeypatch.setattr(threads, "ThreadpoolController", look)
    for name in ("loaded_now", "loaded_later"):
        monkeypatch.setitem(sys.modules, name, sys)
        for _ in range(2):
            with one_blas_thread():
                pass
    assert len(looked) == 2


def test_what_comes_to_be_there_later_is_set_by_the_next_block():
    values = {"a": 2}

    def change():
        found = {name: value for name, value in values.items() if value != 1}
        values.update(dict.fromkeys(found, 1))
        return lambda: values.update(found)

    held = Held(change)
    with held():
        values["b"] = 4
        with held():
            assert values == {"a": 1, "b": 1}
        assert values == {"a": 1, "b": 1}
    assert values == {"a": 2, "b": 4}


def test_an_error_inside_puts_back_too(two_threads):
    with pytest.raises(ZeroDivisionError), one_blas_thread(), one_torch_thread():
        1 / 0  # noqa: B018
    assert blas_threads() == {2}
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
@pytest.mark.parametrize("convolutions", [True, False])
def test_full_float32_is_held_and_put_back(workers, precision, convolutions):
    def settings():
        return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32

    def set_to(precision, convolutions):
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.allow_tf32 = convolutions

    before = settings()
    set_to(precision, convolutions)
    try:
        blocks = [full_float32(), full_float32()]
        for worker, block in zip(workers, blocks, strict=True):
            worker(block.__enter__)
        assert settings() == ("highest", False)
        workers[0](leave, blocks[0])
        assert settings() == ("highest", False)
        workers[1](leave, blocks[1])
        assert settings() == (precision, convolutions)
    finally:
        set_to(*before)


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="torch has it since 2.9")
@pytest.mark.parametrize("holder", ["", "cuda.matmul", "mkldnn.matmul"])
def test_full_float32_beside_torchs_newer_settings(holder):
    """In a process of its own: torch does not forget that they were set."""
    code = f"""
import torch
from lanzdml.sources import ROOT
from lanzdml.arithmetic.threads import full_float32
holder = torch.backends{"." + holder if holder else ""}
holder.fp32_precision = "tf32"
a, b = torch.full((64, 64), 1 + 2**-20), torch.eye(64)
with full_float32():
    assert holder.fp32_precision in ("ieee", "none"), holder.fp32_precision
    assert torch.equal(a @ b, a)
assert holder.fp32_precision == "tf32"
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
