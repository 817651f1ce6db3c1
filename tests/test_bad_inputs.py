"""Bad input of every kind, in a real run: exit code, one line that helps, nothing half-written."""

import io
import json
import re
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from lanzdml.embeddings.models import WEIGHTS_FILE
from tests.test_workflow import snakemake, working_folder
from tests.tiny_clip import CONFIG, png, publish

COLORS = ("red", "lime", "blue", "yellow")
DATA = "data/pictures"
EMBEDDINGS = "results/embeddings/pictures/tiny"
ROWS = "results/metrics.parquet"
MANIFEST = "results/datasets/pictures/manifest.parquet"
DATASET = {
    "labels": f"{DATA}/labels.csv",
    "notions": {
        "color": {"template": "a {aspect} picture", "aspects": list(COLORS)},
        "size": {"template": "a {aspect} picture", "aspects": ["small", "large"]},
    },
}
BASE = {
    "datasets": {"pictures": DATASET},
    "models": {"tiny": {"architecture": "local-dir:models/tiny"}},
    "methods": ["indirect"],
    "dims": [4],
    "seeds": [0],
    "embeddings": {"device": "cpu", "workers": 0},
}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder with a dataset, a model and their results, in which nothing is wrong."""
    folder = working_folder(tmp_path_factory.mktemp("good"), BASE)
    (folder / DATA).mkdir(parents=True)
    (folder / "models").mkdir()
    rows = ["image,image_id,color,size"]
    for number in range(8):
        color = COLORS[number % 4]
        (folder / DATA / f"{number}.png").write_bytes(png(color))
        rows.append(f"{number}.png,p{number},{color},{'small' if number < 4 else 'large'}")
    (folder / DATA / "labels.csv").write_text("\n".join(rows))
    publish(folder / "models/tiny.json")
    snakemake(folder, "--cores", "2", ROWS)
    return folder


@pytest.fixture
def folder(good, tmp_path):
    """A copy of it that a test may spoil; dates are kept, so that nothing runs again by itself."""
    return shutil.copytree(good, tmp_path / "spoilt", symlinks=True)


def edit_table(folder, old, new):
    table = folder / DATA / "labels.csv"
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new))


def set_config(folder, *path, value):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    section = config
    for key in path[:-1]:
        section = section.setdefault(key, {})
    section[path[-1]] = value
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def spoil_image(content):
    def spoil(folder):
        (folder / DATA / "3.png").write_bytes(content)
        # Another image under an old name is no change that Snakemake sees.
        return ["--forcerun", "embed_images"]

    return spoil


def bomb():
    """A picture of 400 million pixels in a few kilobytes."""
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def tiff(dtype):
    buffer = io.BytesIO()
    Image.fromarray(np.ones((4, 4), dtype)).save(buffer, "TIFF")
    return buffer.getvalue()


def give_archive(write):
    def spoil(folder):
        write(folder / "pictures")
        path = next((folder).glob("pictures.*"))
        set_config(folder, "datasets", "pictures", "root", value=path.name)

    return spoil


def climbing_zip(stem):
    with zipfile.ZipFile(stem.with_suffix(".zip"), "w") as archive:
        archive.writestr("../../climbed.png", png("red"))


def linking_tar(stem):
    with tarfile.open(stem.with_suffix(".tar"), "w") as archive:
        link = tarfile.TarInfo("0.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)


def cut_zip(stem):
    with zipfile.ZipFile(stem.with_suffix(".zip"), "w") as archive:
        archive.writestr("0.png", png("red"))
    path = stem.with_suffix(".zip")
    path.write_bytes(path.read_bytes()[:-30])


def cut(name):
    def spoil(folder):
        path = next(folder.glob(name))
        path.write_bytes(path.read_bytes()[:-100])

    return spoil


def with_metadata(name, **changes):
    """A parquet file that says something else about where it comes from."""

    def spoil(folder):
        table = pq.read_table(folder / name)
        metadata = table.schema.metadata | {k.encode(): v.encode() for k, v in changes.items()}
        pq.write_table(table.replace_schema_metadata(metadata), folder / name)

    return spoil


def with_columns(name, **columns):
    return lambda folder: pq.write_table(pa.table(columns), folder / name)


def other_architecture(folder):
    """Weights beside the config of a larger model."""
    path = folder / "models/tiny/open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["vision_cfg"]["width"] *= 2
    path.write_text(json.dumps(config))


def picture(name, **settings):
    return lambda folder: set_config(folder, "figures", name, value=settings)


def one_of_each(folder):
    """A table of one image."""
    rows = (folder / DATA / "labels.csv").read_text().splitlines()[:2]
    (folder / DATA / "labels.csv").write_text("\n".join(rows))


def prompts(*texts):
    def spoil(folder):
        set_config(
            folder, "datasets", "pictures", "notions", "color", value={"prompts": list(texts)}
        )

    return spoil


LABELS, PICTURES = rf"{DATA}/labels\.csv", rf"{DATA}"
CONTEXT = CONFIG["text_cfg"]["context_length"]
UNREADABLE = r"1 of 8 images cannot be read, the first: image p3 \(.*3\.png\) cannot be read: "

INPUTS = {
    "a missing image": (
        lambda folder: edit_table(folder, "3.png", "33.png"),
        rf"{LABELS}, line 5: there is no image 33\.png in {PICTURES}",
    ),
    "an image twice": (
        lambda folder: edit_table(folder, "3.png", "2.png"),
        rf"{LABELS}, line 5: image '2\.png' is there already, in line 4",
    ),
    "an id twice": (
        lambda folder: edit_table(folder, "p3", "p2"),
        rf"{LABELS}, line 5: image_id 'p2' is there already, in line 4",
    ),
    "a cell too many": (
        lambda folder: edit_table(folder, "p3,", "p3,p4,"),
        rf"{LABELS}, line 5: the number of cells is 5, that of columns 4; .* quotes",
    ),
    "an empty cell in place of an image": (
        lambda folder: edit_table(folder, "3.png,", ","),
        rf"{LABELS}, line 5: image is empty; fill it or delete the row",
    ),
    "one class": (
        lambda folder: edit_table(folder, "large", "small"),
        rf"{MANIFEST}: images have only the label 'small' for size, .* say scored: false",
    ),
    "one image": (
        one_of_each,
        rf"{MANIFEST}: images have only the label '\w+' for (color|size), so there is nothing to",
    ),
    "a truncated image": (spoil_image(png("red")[:-30]), UNREADABLE + ".*truncated"),
    "an empty image": (spoil_image(b""), UNREADABLE + "it is empty; mend .* on_unreadable: skip"),
    "no image at all": (spoil_image(b"#!/bin/sh"), UNREADABLE + "it is no image"),
    "an image bomb": (spoil_image(bomb()), UNREADABLE + r"it has more than [\d,]+ pixels"),
    "an image of 32 bits": (
        spoil_image(tiff(np.float32)),
        UNREADABLE + "it has 32 bits a pixel; save it with 8",
    ),
    "an archive that climbs out": (
        give_archive(climbing_zip),
        r"pictures\.zip is refused: its entry '\.\./\.\./climbed\.png' leads out of its folder",
    ),
    "an archive with a link": (
        give_archive(linking_tar),
        r"pictures\.tar is refused: its entry '0\.png' is a link or a device",
    ),
    "a cut archive": (give_archive(cut_zip), r"pictures\.zip cannot be unpacked: .*; get it again"),
    "no such root": (
        lambda folder: set_config(folder, "datasets", "pictures", "root", value="nowhere"),
        rf"there is no folder nowhere for the images of {LABELS}",
    ),
    "cut weights": (
        cut(f"models/tiny/{WEIGHTS_FILE}"),
        rf"checkpoint models/tiny/{WEIGHTS_FILE} cannot be read: .*",
    ),
    "weights of another architecture": (other_architecture, r"models/tiny cannot be loaded: .*"),
    "a prompt that is too long": (
        prompts("a red picture", "a blue " * CONTEXT),
        rf"prompt 'a blue a blue .* \.\.\.' has more than the {CONTEXT} tokens .*: shorten it",
    ),
    "a cut manifest": (cut(MANIFEST), rf"{MANIFEST} cannot be read: .*; delete it and run again"),
    "a single prompt": (
        prompts("a red picture"),
        r"pictures\.notions\.color\.prompts: there is only one; a notion needs two or more",
    ),
    "a prompt twice": (
        prompts("a red picture", "a lime picture", "a red picture"),
        r"datasets\.pictures\.notions\.color\.prompts.* 'a red picture' is there twice; delete one",
    ),
    "a manifest of another schema": (
        with_columns(MANIFEST, image_id=["p0"], path=["0.png"], color=["red"]),
        rf"{MANIFEST} is no manifest of this version: delete it and run again",
    ),
    "embeddings of another schema": (
        with_columns(f"{EMBEDDINGS}/images.parquet", image_id=["p0"], vector=[1.0]),
        rf"{EMBEDDINGS}/images\.parquet .*: delete it and run again",
    ),
    "cut embeddings": (
        cut(f"{EMBEDDINGS}/images.parquet"),
        rf"{EMBEDDINGS}/images\.parquet .*; delete it and run again",
    ),
    "embeddings of other images": (
        with_metadata(f"{EMBEDDINGS}/images.parquet", manifest_fingerprint="0"),
        rf"{EMBEDDINGS}/images\.parquet holds other images than {MANIFEST}: delete it and run",
    ),
    "embeddings by other weights": (
        with_metadata(f"{EMBEDDINGS}/images.parquet", weights_sha256="0"),
        r"seed-0\.safetensors was fitted to embeddings of other weights than those of results/emb",
    ),
    "a cut transform": (
        cut("results/transforms/pictures/tiny/color/indirect/dim-4/seed-0.safetensors"),
        r"color/indirect/dim-4/seed-0\.safetensors cannot be read: .*",
    ),
    "an unknown query": (
        picture("gallery", dataset="pictures", queries=["p9"]),
        r"figures\.gallery\.queries: there is no image 'p9'; ids are those .* such as 'p0'",
    ),
    "no folder for results": (
        lambda folder: shutil.rmtree(folder / "results") or (folder / "results").touch(),
        "results: results cannot be written: .*; name another folder",
    ),
}


# Another of these goes the same way, and tests of the library say what is said of them.
LIKE_OTHERS = {
    "an image twice", "an id twice", "a cell too many", "an empty cell in place of an image",
    "one image", "an empty image", "no image at all", "an image of 32 bits",
    "an archive with a link", "a cut archive", "weights of another architecture", "a prompt twice",
    "a manifest of another schema", "embeddings of another schema", "cut embeddings",
}  # fmt: skip
assert INPUTS.keys() > LIKE_OTHERS


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in LIKE_OTHERS)) for name in INPUTS],
)
def test_bad_input_is_one_line(folder, name):
    spoil, message = INPUTS[name]
    options = spoil(folder) or []
    target = "all" if name == "an unknown query" else ROWS
    code, output = snakemake(folder, "--cores", "2", target, *options, check=False)
    assert code != 0
    lines = output.splitlines()
    errors = [line for line in lines if line.startswith("Error: ")]
    assert errors, output
    assert all(re.search(message, line) for line in errors), output
    # A message of several lines would go on below, where now another job can begin.
    below = r"Error: |RuleException|\[|$|Not complete|\d+ of \d+: "
    for position in (i for i, line in enumerate(lines) if line in errors):
        assert re.match(below, (*lines, "")[position + 1]), output
    assert "Traceback" not in output
    # Nothing half-written, and nothing outside of where it belongs.
    assert not list(folder.glob("results/**/.*.*"))
    assert not list(folder.parent.rglob("climbed.png"))


@pytest.mark.slow
def test_what_a_message_says_to_delete_is_what_mends_it(folder):
    before = pd.read_parquet(folder / "results/metrics.parquet").drop(columns="fit_seconds")
    with_metadata(f"{EMBEDDINGS}/images.parquet", weights_sha256="0")(folder)
    _, output = snakemake(folder, "--cores", "2", ROWS, check=False)
    # One job scores both notions: the first that it says this of stands for both.
    (line,) = (line for line in output.splitlines() if line.startswith("Error: "))
    assert "delete it and the model's folder below embeddings/, and run again" in line
    Path(folder, line.split()[1]).unlink()
    shutil.rmtree(folder / EMBEDDINGS)
    snakemake(folder, "--cores", "2", ROWS)
    after = pd.read_parquet(folder / "results/metrics.parquet").drop(columns="fit_seconds")
    pd.testing.assert_frame_equal(after, before)


@pytest.mark.slow
def test_names_of_any_letters_and_with_spaces_are_taken(tmp_path):
    data, results = "meine bilder/größe", "my results/ä (b)"
    folder = working_folder(
        tmp_path / "a b", BASE | {"results": results, "datasets": {"pictures": DATASET | {
            "labels": f"{data}/meine tabelle.csv",
            "notions": {"color": {"template": "a {aspect} picture", "aspects": ["rot", "grün"]}},
        }}, "models": {"tiny": {"architecture": "local-dir:mein modell/tiny"}}}
    )  # fmt: skip
    (folder / data).mkdir(parents=True)
    (folder / "mein modell").mkdir()
    publish(folder / "mein modell/tiny.json")
    rows = ["image,color"]
    for number in range(4):
        (folder / data / f"bild ü {number}'$(x).png").write_bytes(png(COLORS[number]))
        rows.append(f"bild ü {number}'$(x).png,{'grün' if number < 2 else 'rot'}")
    (folder / data / "meine tabelle.csv").write_text("\n".join(rows), encoding="utf-8")
    snakemake(folder, "--cores", "2")
    assert len(pd.read_parquet(folder / results / "metrics.parquet")) == 1


def test_a_dataset_may_skip_what_cannot_be_read(folder):
    spoil_image(b"")(folder)
    set_config(folder, "datasets", "pictures", "on_unreadable", value="skip")
    output = snakemake(folder, "--cores", "2", ROWS)
    assert "pictures: 7 images; left out: 1 unreadable" in output
    assert set(pd.read_parquet(folder / "results/metrics.parquet")["n_images"]) == {7}
    excluded = pd.read_csv(folder / "results/datasets/pictures/excluded.csv")
    assert excluded.to_numpy().tolist() == [["p3", "3.png", "unreadable: it is empty"]]


@pytest.mark.parametrize("name", ["an unknown query", "no folder for results"])
def test_verbose_shows_where_an_error_comes_from(folder, name):
    INPUTS[name][0](folder)
    _, output = snakemake(folder, "--cores", "2", "--verbose", check=False)
    assert "Traceback" in output
