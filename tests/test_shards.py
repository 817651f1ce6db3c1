"""Shards: whole batches, every image once, and put together as one job would have written them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.shards import cut_shard, gather_shards
from lanzdml.embeddings.storage import WEIGHTS, write_embeddings
from lanzdml.errors import LanzdmlError

N = 7
VALUES = np.random.default_rng(0).standard_normal((N, 3)).astype(np.float32)


@given(st.integers(1, 300), st.integers(1, 40), st.data())
def test_shards_are_even_and_of_whole_batches(n, batch_size, data):
    batches = -(-n // batch_size)
    shards = data.draw(st.integers(1, batches))
    rows = pd.DataFrame({"row": range(n)})
    parts = [cut_shard(rows, number + 1, shards, batch_size) for number in range(shards)]
    assert pd.concat(parts).equals(rows)
    assert all(part["row"].iloc[0] % batch_size == 0 for part in parts)
    sizes = {-(-len(part) // batch_size) for part in parts}
    assert max(sizes) - min(sizes) <= 1


def test_more_shards_than_batches_are_refused():
    rows = pd.DataFrame({"row": range(1000)})
    with pytest.raises(LanzdmlError, match=r"1,000 images make 4 batches of 256, .* at most 4"):
        cut_shard(rows, 1, 5, 256)


@pytest.fixture
def files(tmp_path):
    """A manifest, three shards and the file without shards."""
    ids = [f"i{number}" for number in range(N)]
    manifest = pd.DataFrame({"image_id": ids, "path": ids})
    write_manifest(tmp_path / "manifest.parquet", manifest, [], "mine")
    metadata = {FINGERPRINT: fingerprint(manifest), WEIGHTS: "w", "device": "cpu", "torch": "2"}
    write_embeddings(tmp_path / "whole.parquet", manifest[["image_id"]], VALUES, metadata)
    shards = []
    for number in (1, 2, 3):
        rows = cut_shard(manifest, number, 3, 2)
        shards.append(tmp_path / f"shards/{number}-of-3.parquet")
        write_embeddings(shards[-1], rows[["image_id"]], VALUES[rows.index], metadata)
    return tmp_path / "manifest.parquet", shards, tmp_path / "whole.parquet", metadata


def test_gathered_shards_are_the_file_without_shards(files, tmp_path):
    manifest, shards, whole, _ = files
    gather_shards(shards, manifest, tmp_path / "gathered.parquet")
    assert (tmp_path / "gathered.parquet").read_bytes() == whole.read_bytes()


def test_several_devices_are_named_and_several_models_refused(files, tmp_path):
    from lanzdml.embeddings.storage import read_embeddings, read_metadata

    manifest, shards, _, metadata = files
    output = tmp_path / "gathered.parquet"
    rows, values, _ = read_embeddings(shards[1])
    write_embeddings(shards[1], rows, values, metadata | {"device": "cuda"})
    gather_shards(shards, manifest, output)
    assert read_metadata(output)["device"] == "cpu, cuda"
    write_embeddings(shards[1], rows, values, metadata | {WEIGHTS: "v"})
    with pytest.raises(LanzdmlError, match=r"2-of-3.* and .*1-of-3.* differ in weights_sha256: v"):
        gather_shards(shards, manifest, output)
    write_embeddings(shards[1], rows, values, metadata | {FINGERPRINT: "of another manifest"})
    with pytest.raises(LanzdmlError, match=r"2-of-3\.parquet holds other images than"):
        gather_shards(shards, manifest, output)


def test_each_image_is_to_be_there_once(files, tmp_path):
    manifest, shards, _, _ = files
    with pytest.raises(LanzdmlError, match=r"shards does not hold each image of .* once: delete"):
        gather_shards([shards[0], shards[2]], manifest, tmp_path / "gathered.parquet")
