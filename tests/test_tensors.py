"""Files of arrays: what is read is what was written, and the same content is the same bytes."""

import subprocess
import sys

import numpy as np
import pytest
from safetensors import safe_open

from lanzdml.tensors import save_tensors

METADATA = {f"key {n}": f'a "value" of\n{n} \\ ä 中 \u2028 \x7f \x01' for n in range(9)}
TENSORS = {
    "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "flags": np.array([True, False, True]),
    "none": np.zeros((0, 4), np.int64),
}


@pytest.mark.parametrize("metadata", [METADATA, {"one": ""}], ids=len)
@pytest.mark.parametrize("tensors", [TENSORS, {}], ids=len)
def test_what_is_read_is_what_was_written(tmp_path, tensors, metadata):
    save_tensors(tmp_path / "file", tensors, metadata)
    with safe_open(tmp_path / "file", framework="numpy") as file:
        assert file.metadata() == metadata
        assert set(file.keys()) == tensors.keys()
        for name, array in tensors.items():
            np.testing.assert_array_equal(file.get_tensor(name), array, strict=True)


def test_the_same_content_is_the_same_bytes_in_every_process(tmp_path):
    """The order of metadata is drawn anew by each."""
    code = (
        "import sys; from tests.test_tensors import *; save_tensors(sys.argv[1], TENSORS, METADATA)"
    )
    contents = set()
    for number in range(3):
        path = tmp_path / str(number)
        subprocess.run([sys.executable, "-c", code, path], check=True)
        contents.add(path.read_bytes())
    assert len(contents) == 1
