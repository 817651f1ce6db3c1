"""Settings of a whole process, held by blocks that threads enter side by side.

How many threads share a product decides how its sums are rounded: with one thread for each product
results do not depend on the size of a machine or on what runs beside. Cores go to other jobs.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from threadpoolctl import LibController


class Held:
    """A context for a setting of the process: the first block in sets it, the last one out resets.

    A block that puts back what it saw undoes the setting under others when it ends first; and when
    it ends last it has seen theirs, and leaves it for good.

    Args:
        change: sets what is not yet set; returns what undoes that, or None if there was nothing to
            do. Called by every block that is entered, as there can be more to set by then.
    """

    def __init__(self, change: Callable[..., Callable[[], None] | None]) -> None:
        self._change, self._lock = change, Lock()
        self._inside = 0
        self._undo: list[Callable[[], None]] = []

    @contextmanager
    def __call__(self, *given: Any) -> Iterator[None]:
        """Hold the setting inside the block; what is given goes to ``change``."""
        with self._lock:
            if undo := self._change(*given):
                self._undo.append(undo)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                while not self._inside and self._undo:
                    self._undo.pop()()


def _limit_pools(blas: ThreadpoolController) -> Callable[[], None] | None:
    """Set libraries with one pool of threads for the process to one thread."""
    numbers_before = [
        (library, library.num_threads)
        for library in blas.lib_controllers
        if library.num_threads != 1
        and library.internal_api != "mkl"
        and getattr(library, "threading_layer", "") != "openmp"
    ]
    for library, _ in numbers_before:
        _set_threads(library, 1)

    def undo() -> None:
        for library, threads in numbers_before:
            _set_threads(library, threads)

    return undo if numbers_before else None


def _set_threads(library: "LibController", threads: int) -> None:
    # Newer versions do nothing in a thread while another one is in charge of OpenBLAS.
    take_over = getattr(library, "clear_controlling_thread", None)
    if take_over:
        take_over(force=True)
    library.set_num_threads(threads)
    if take_over:
        take_over()


_blas_pools = Held(_limit_pools)


@lru_cache(maxsize=1)
def _blas_libraries(n_modules: int) -> ThreadpoolController:
    """Those that are loaded. To look takes 3 ms, more than many a fit, and imports load them."""
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """NumPy's and SciPy's matrix products use one thread inside the block.

    Where a library has one pool of threads for the process, as OpenBLAS has, this holds for all
    threads while one is in such a block. One that is loaded inside is limited by the next block.
    """
    blas = _blas_libraries(len(sys.modules))
    # The second is for libraries with a number for each thread; those with a pool have one by then.
    with _blas_pools(blas), blas.limit(limits=1):
        yield


_torch_lock = Lock()


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Torch uses one thread inside the block, in the thread that enters it.

    Torch has a number of threads for each thread, so blocks side by side need not know of each
    other; but setting one's own also sets what threads to come begin with.
    """
    import torch

    with _torch_lock:
        before = torch.get_num_threads()
        if before != 1:
            torch.set_num_threads(1)
            # By another thread, so that those to come begin with what they would have begun with.
            other = Thread(target=torch.set_num_threads, args=(before,))
            other.start()
            other.join()
    try:
        yield
    finally:
        if before != 1:
            torch.set_num_threads(before)


def _refuse_reduced_precision() -> Callable[[], None] | None:
    import torch

    try:
        products = torch.get_float32_matmul_precision()
        convolutions = torch.backends.cudnn.allow_tf32
    except RuntimeError:  # so it says where the process uses the settings that it has since 2.9
        return _refuse_in(_precisions(torch.backends))
    if products == "highest" and not convolutions:
        return None
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False

    def undo() -> None:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.allow_tf32 = convolutions

    return undo


def _refuse_in(holders: list[Any]) -> Callable[[], None] | None:
    # "none" is what the one above says, and in the end "ieee".
    changed = [(one, one.fp32_precision) for one in holders]
    changed = [(one, before) for one, before in changed if before not in ("none", "ieee")]
    for one, _ in changed:
        one.fp32_precision = "ieee"

    def undo() -> None:
        for one, before in changed:
            one.fp32_precision = before

    return undo if changed else None


def _precisions(backends: Any) -> list[Any]:
    """What has a precision of its own since torch 2.9, each above those that it is passed on to."""
    holders = [backends]
    for name in ("cuda", "cudnn", "mkldnn"):
        backend = getattr(backends, name)
        parts = (getattr(backend, part, None) for part in ("matmul", "conv", "rnn"))
        holders += [one for one in (backend, *parts) if hasattr(one, "fp32_precision")]
    return holders


full_float32 = Held(_refuse_reduced_precision)
"""Torch computes with all bits of float32 inside the block, in all threads.

Its default for convolutions on CUDA keeps ten bits of the fraction's 23, and a program can allow as
much for products, on a CPU, too.
"""
