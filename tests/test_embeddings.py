"""Embedding files, and embedding with a real (untrained) open_clip model."""

import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch.utils.data import DataLoader

from lanzdml.datasets.manifest import (
    FINGERPRINT,
    check_manifest,
    fingerprint,
    read_manifest,
    write_manifest,
)
from lanzdml.embeddings import loader
from lanzdml.embeddings.embedding import embed_images, embed_prompts, tokens_of
from lanzdml.embeddings.ensembles import embed_ensemble
from lanzdml.embeddings.loading import load_clip
from lanzdml.embeddings.storage import (
    check_wordings,
    combine_prompts,
    labelled_images,
    read_embeddings,
    write_embeddings,
)
from lanzdml.errors import LanzdmlError
from tests.tiny_clip import CONFIG, png


def test_round_trip_keeps_bits_and_metadata(tmp_path):
    rows = pd.DataFrame({"prompt": ["a red car", "ein blaues Auto"], "aspect": ["red", "blau"]})
    values = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    path = tmp_path / "new folder" / "prompts.parquet"
    write_embeddings(path, rows, values, {"architecture": "x"})
    read_rows, read_values, metadata = read_embeddings(path)
    assert read_rows.to_dict("list") == rows.to_dict("list")
    np.testing.assert_array_equal(read_values, values)
    assert metadata["architecture"] == "x"
    column = pq.read_schema(path).field("embedding").type
    assert pa.types.is_fixed_size_list(column)
    assert column.value_type == pa.float32()


def test_a_file_without_embeddings_is_named(tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(LanzdmlError, match=r"other\.parquet holds no embeddings"):
        read_embeddings(path)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A small open_clip model with random weights, loaded as a user's checkpoint is."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("model")
    (folder / "tiny-clip.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(0)
    save_file(open_clip.CLIP(**CONFIG).state_dict(), folder / "tiny-clip.safetensors")
    return load_clip(str(folder / "tiny-clip.json"), str(folder / "tiny-clip.safetensors"), "cpu")


COLORS = ["red", "lime", "blue", "white", "black"]


@pytest.fixture
def manifest():
    return pd.DataFrame(
        {"image_id": COLORS, "image": [png(color) for color in COLORS], "kind": ["a"] * 5}
    )


def test_images_are_embedded_in_order_whatever_the_batches(clip, manifest, tmp_path):
    whole = embed_images(clip, manifest, tmp_path, batch_size=5)
    assert whole.shape == (5, 24)
    assert whole.dtype == np.float32
    parts = embed_images(clip, manifest, tmp_path, batch_size=2, workers=1)
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-5)
    single = embed_images(clip, manifest.iloc[[3]], tmp_path)
    np.testing.assert_allclose(single[0], whole[3], rtol=1e-4, atol=1e-5)
    assert not np.allclose(np.linalg.norm(whole, axis=1), 1), "raw outputs are not normalised"


def test_paths_and_bytes_give_the_same(clip, manifest, tmp_path):
    for row in manifest.itertuples():
        (tmp_path / f"{row.image_id}.png").write_bytes(row.image)
    by_path = manifest.drop(columns="image").assign(path=[f"{color}.png" for color in COLORS])
    np.testing.assert_array_equal(
        embed_images(clip, by_path, tmp_path), embed_images(clip, manifest, tmp_path)
    )


def test_palette_images_are_read_as_colours(clip, manifest, tmp_path):
    palette = manifest.assign(image=[png(color, "P") for color in COLORS])
    np.testing.assert_allclose(
        embed_images(clip, palette, tmp_path), embed_images(clip, manifest, tmp_path), atol=1e-6
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_image_is_named(clip, manifest, tmp_path, workers):
    manifest.loc[2, "image"] = b"no image"
    with pytest.raises(
        LanzdmlError, match=r"^1 of 5 images .*: image blue cannot be read: it is no image .*;"
    ):
        embed_images(clip, manifest, tmp_path, workers=workers)


def test_prompts_are_embedded_in_order(clip):
    prompts = ["a red car", "a blue car", "a photo of a van"]
    whole = embed_prompts(clip, prompts)
    assert whole.shape == (3, 24)
    parts = embed_prompts(clip, prompts, batch_size=1)
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-5)
    assert np.abs(whole[0] - whole[1]).max() > 1e-4


def test_prompts_that_the_model_cannot_tell_apart_are_refused(clip):
    with pytest.raises(LanzdmlError, match=r"prompts 'a Red car' and 'a red  CAR' are one to the"):
        embed_prompts(clip, ["a Red car", "a blue car", "a red  CAR"])


class OfClips:
    """Writes a token behind the padding, as open_clip's tokenizers of CLIPS do."""

    tokenizer_mode = "clips"

    def __call__(self, texts, context_length=CONFIG["text_cfg"]["context_length"]):
        tokens = torch.zeros(len(texts), context_length, dtype=torch.long)
        for row, text in zip(tokens, texts, strict=True):
            words = [1, *(len(word) + 2 for word in text.split())][: context_length - 2]
            row[: len(words) + 1] = torch.tensor([*words, 2])
        tokens[:, -1] = 101
        return tokens


def test_a_token_behind_the_padding_is_no_cut(clip):
    clip = replace(clip, tokenizer=OfClips())
    assert len(embed_prompts(clip, ["a red car", "a " * 9])) == 2
    with pytest.raises(LanzdmlError, match="has more than the 12 tokens"):
        embed_prompts(clip, ["a red car", "a " * 10])


def test_prompts_of_parts_are_one_where_the_model_reads_one(clip, tmp_path):
    files = []
    for name, texts in (("a", ["a Red car", "a blue car"]), ("b", ["a red car", "a van"])):
        files.append(tmp_path / f"{name}.parquet")
        rows = pd.DataFrame({"prompt": texts, "aspect": texts})
        write_embeddings(files[-1], rows, embed_prompts(clip, texts), clip.description)
    combine_prompts(files, tmp_path / "ab.parquet", partial(tokens_of, clip))
    rows, _, _ = read_embeddings(tmp_path / "ab.parquet")
    assert rows["prompt"].tolist() == ["a Red car", "a blue car", "a van"]


@pytest.mark.parametrize("n_images", [0.5, 7, 20])
def test_little_shared_memory_changes_no_batch(
    clip, manifest, tmp_path, monkeypatch, capsys, n_images
):
    """It has room for some parts of a batch of four, or for none."""
    manifest = pd.concat([manifest] * 4, ignore_index=True)
    manifest["image_id"] = manifest.index.astype("str")
    monkeypatch.setattr(loader, "_available_cores", lambda: 2)
    whole = embed_images(clip, manifest, tmp_path, batch_size=4, workers=2)
    assert "/dev/shm" not in capsys.readouterr().out
    free = 2 * n_images * loader._bytes_an_image(clip)
    monkeypatch.setattr(loader.shutil, "disk_usage", lambda _: SimpleNamespace(free=int(free)))
    given = []
    monkeypatch.setattr(
        loader, "DataLoader", lambda *images, **how: given.append(how) or DataLoader(*images, **how)
    )
    parts = embed_images(clip, manifest, tmp_path, batch_size=4, workers=2)
    np.testing.assert_array_equal(parts, whole)
    size, workers = {0.5: (4, 0), 7: (1, 2), 20: (4, 2)}[n_images]
    assert (given[0]["batch_size"], given[0]["num_workers"]) == (size, workers)
    said = {0.5: "one process reads images", 7: "hand over 1 images at a time", 20: ""}[n_images]
    assert said in capsys.readouterr().out
    manifest.loc[6, "image"] = b"no image"
    with pytest.raises(LanzdmlError, match="1 of 20 images cannot be read, the first: image 6 "):
        embed_images(clip, manifest, tmp_path, batch_size=4, workers=2)


def test_shared_memory_that_others_fill_is_one_line(clip, manifest, tmp_path, monkeypatch):
    def full(*images, **how):
        raise RuntimeError("unable to write to file </torch_1>: No space left on device (28)")
        yield

    monkeypatch.setattr(loader, "DataLoader", full)
    with pytest.raises(LanzdmlError, match=r"^/dev/shm, .* is full: say embeddings.workers: 0"):
        embed_images(clip, manifest, tmp_path, workers=1)


def test_manifest_round_trip_and_fingerprint(manifest, tmp_path):
    path = tmp_path / "manifest.parquet"
    manifest.loc[1, "kind"] = None
    write_manifest(path, manifest, ["kind"], "mine")
    read = read_manifest(path)
    assert read["image_id"].tolist() == COLORS
    assert read["kind"].isna().tolist() == [False, True, False, False, False]
    assert fingerprint(read) == fingerprint(manifest)
    assert fingerprint(manifest.iloc[::-1]) != fingerprint(manifest)
    assert fingerprint(manifest.assign(kind="b")) == fingerprint(manifest)


def test_a_manifest_may_be_of_labels_alone(manifest, tmp_path):
    labels = manifest.drop(columns="image")
    write_manifest(tmp_path / "manifest.parquet", labels, ["kind"], "mine")
    read = read_manifest(tmp_path / "manifest.parquet")
    assert list(read) == ["image_id", "kind"]
    assert fingerprint(read) == fingerprint(labels) != fingerprint(manifest)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.iloc[:0], "dataset mine has no images"),
        (lambda m: m.drop(columns="kind"), "has no column 'kind'"),
        (lambda m: m.assign(path="a.png"), "needs a column 'path' or 'image', not"),
        (lambda m: m.assign(image_id="same"), "image_id 'same' occurs twice"),
        (lambda m: m.assign(kind=7), "kind of row 0 is 7, but must be a string"),
        (lambda m: m.assign(kind=["a", "", "c", "d", "e"]), "kind of row 1 is ''"),
        (lambda m: m.assign(image_id=["a", None, "c", "d", "e"]), "row 1 has no image_id"),
    ],
)
def test_bad_manifests_are_refused(manifest, change, message):
    with pytest.raises(LanzdmlError, match=message):
        check_manifest(change(manifest), ["kind"], "mine")


def test_a_scored_notion_needs_a_label(manifest, tmp_path):
    images, labels = tmp_path / "images.parquet", tmp_path / "manifest.parquet"
    write_embeddings(
        images, manifest[["image_id"]], np.eye(5), {FINGERPRINT: fingerprint(manifest)}
    )
    write_manifest(labels, manifest.assign(kind=[None, "a", None, "b", None]), ["kind"], "mine")
    embeddings, kinds, ids = labelled_images(images, labels, "kind")
    np.testing.assert_array_equal(embeddings, np.eye(5)[[1, 3]])
    assert kinds.tolist() == ["a", "b"]
    assert ids.tolist() == manifest["image_id"].iloc[[1, 3]].tolist()
    write_manifest(labels, manifest.assign(kind=None), ["kind"], "mine")
    with pytest.raises(LanzdmlError, match=r"images have no label for kind, .* say scored: false"):
        labelled_images(images, labels, "kind")


def test_all_unreadable_images_are_listed(clip, manifest, tmp_path, capsys):
    manifest.loc[1, "image"] = b"no image"
    manifest.loc[4, "image"] = b""
    with pytest.raises(LanzdmlError) as raised:
        embed_images(clip, manifest, tmp_path, batch_size=2)
    assert capsys.readouterr().out.splitlines() == [
        "image lime cannot be read: it is no image of a kind that is read (JPEG, PNG, WEBP, GIF, "
        "BMP, TIFF, AVIF, PPM)",
        "image black cannot be read: it is empty",
    ]
    message = "2 of 5 images cannot be read, the first: image lime cannot be read: it is no image"
    assert str(raised.value).startswith(message)
    assert "on_unreadable: skip" in str(raised.value)


class SmallGpu:
    """Has memory for so many images at a time."""

    def __init__(self, model, most):
        self.model, self.most, self.sizes = model, most, []

    def encode_image(self, pixels, normalize):
        import torch

        self.sizes.append(len(pixels))
        if len(pixels) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.model.encode_image(pixels, normalize=normalize)


def test_batches_are_halved_where_memory_is_short(clip, manifest, tmp_path, capsys):
    gpu = SmallGpu(clip.model, most=1)
    small = embed_images(replace(clip, model=gpu), manifest, tmp_path, batch_size=4)
    assert gpu.sizes == [4, 2, 1, 1, 1, 1, 1], "what did not fit is not tried again"
    assert capsys.readouterr().out.splitlines() == [
        "out of memory on the GPU: from here on 2 images at a time",
        "out of memory on the GPU: from here on 1 images at a time",
    ]
    whole = embed_images(clip, manifest, tmp_path, batch_size=1)
    np.testing.assert_array_equal(small, whole)
    with pytest.raises(LanzdmlError, match="the GPU has too little memory for one image"):
        embed_images(replace(clip, model=SmallGpu(clip.model, 0)), manifest, tmp_path)


def test_other_images_are_refused(manifest, tmp_path):
    images, labels = tmp_path / "images.parquet", tmp_path / "manifest.parquet"
    write_manifest(labels, manifest, ["kind"], "mine")
    changed = manifest.assign(image=[*manifest["image"][:4], b"replaced"])
    for metadata in ({FINGERPRINT: fingerprint(changed)}, {}):
        write_embeddings(images, manifest[["image_id"]], np.eye(5), metadata)
        with pytest.raises(LanzdmlError, match=r"images\.parquet holds other images than .*delete"):
            labelled_images(images, labels, "kind")


TEMPLATES = ["a {aspect} car", "{aspect}", "the car is {aspect}"]


class TestEnsemble:
    def test_is_the_mean_of_unit_embeddings(self, clip):
        aspects = ["red", "blue", "very dark green"]
        rows, found = embed_ensemble(clip, TEMPLATES, aspects)
        assert found.dtype == np.float32
        for aspect, vector in zip(aspects, found, strict=True):
            total = 0
            for template in TEMPLATES:
                raw = embed_prompts(clip, [template.replace("{aspect}", aspect)])[0].astype(float)
                total = total + raw / np.sqrt(raw @ raw)
            np.testing.assert_allclose(vector, total / np.sqrt(total @ total), atol=1e-5)
        assert rows["aspect"].tolist() == aspects
        assert rows["prompt"][1] == "a blue car | blue | the car is blue"

    def test_prompts_are_distinct_within_it(self, clip):
        with pytest.raises(LanzdmlError, match="'a red car' and 'A red car' are one to the model"):
            embed_ensemble(clip, ["a {aspect} car", "A {aspect} car"], ["red", "blue"])

    def test_a_mean_that_vanishes_is_refused(self, clip, monkeypatch):
        raw = np.array([[2, 0], [0, 1], [-1, 0], [0, 3]], dtype=np.float32)
        monkeypatch.setattr("lanzdml.embeddings.ensembles.embed_prompts", lambda *_: raw)
        with pytest.raises(
            LanzdmlError, match="of aspect 'red' by the templates of the ensemble ca"
        ):
            embed_ensemble(clip, TEMPLATES[:2], ["red", "blue"])

    def test_too_many_prompts_are_refused_before_any_is_embedded(self, monkeypatch):
        monkeypatch.setattr("lanzdml.embeddings.ensembles.MOST_PROMPTS", 5)
        with pytest.raises(
            LanzdmlError, match="2 templates and 3 aspects make more than 5 prompts"
        ):
            embed_ensemble(None, TEMPLATES[:2], ["red", "blue", "green"])


def test_wordings_that_are_one_to_the_model_are_refused(clip, tmp_path):
    files = []
    for name, template in (("own", "a {} car"), ("large", "A {} CAR"), ("bare", "{}")):
        texts = [template.format(aspect) for aspect in ("red", "blue")]
        files.append(tmp_path / f"{name}.parquet")
        rows = pd.DataFrame({"prompt": texts, "aspect": ["red", "blue"]})
        write_embeddings(files[-1], rows, embed_prompts(clip, texts), clip.description)
    own, large, bare = files
    check_wordings([("color", own), ("color", bare), ("paint", large), (None, own), (None, large)])
    with pytest.raises(
        LanzdmlError, match=r"own.parquet and .*large.parquet hold the same vectors"
    ):
        check_wordings([("color", own), ("color", large)])
