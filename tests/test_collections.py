"""Collections: transformed file by file, gathered, indexed; docs/collections.md as it stands."""

import os
import re
import shutil
import sys
from importlib import util

import faiss
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from lanzdml.collections.applying import apply_transform, check_fits, transformed
from lanzdml.collections.gathering import gather_collection
from lanzdml.collections.writing import write_index
from lanzdml.config.config import parse_config
from lanzdml.config.messages import ConfigError
from lanzdml.embeddings.storage import WEIGHTS
from lanzdml.embeddings.vectors import read_vectors
from lanzdml.embeddings.vectors.reading import Source
from lanzdml.errors import CannotFitError, LanzdmlError
from lanzdml.methods import METHODS
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.metrics.ranking import Ranking
from lanzdml.plan import Plan
from lanzdml.transforms.stacked import Stacked
from lanzdml.transforms.storage import load_transform, save_not_fitted, save_transform
from tests.test_workflow import (
    ROOT,
    called_beside,
    plan,
    snakemake,
    working_folder,
)
from tests.test_your_vectors import CODE as THINGS
from tests.test_your_vectors import CONFIG

TEXT = (ROOT / "docs/collections.md").read_text()
MORE, SEARCH, *_ = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
(SECTION,) = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COLLECTION = "results/things/collections/more"
FIT = "results/things/transforms/things/my_clip/color/indirect/dim-8/seed-0.safetensors"
TARGETS = [f"{COLLECTION}/{name}" for name in ("ids.parquet", "vectors.npy", "vectors.faiss")]
RNG = np.random.default_rng(0)
R, N = 12, 40
VALUES = RNG.normal(size=(N, R)).astype(np.float32)
IDS = [f"image {number}" for number in range(N)]


# Of single functions


@pytest.fixture
def fit(tmp_path):
    """A transform of unit vectors of three dimensions."""
    path = tmp_path / "fit.safetensors"
    method = METHODS["text_subspace"](dim=3).fit(RNG.normal(size=(6, R)).astype(np.float32))
    save_transform(path, method, **{WEIGHTS: "ours"})
    return path


def shard(path, rows, ids=IDS, values=VALUES, weights=None):
    path.parent.mkdir(exist_ok=True)
    columns = {} if ids is None else {"image_id": [ids[row] for row in rows]}
    table = pa.table({**columns, "embedding": [values[row].tolist() for row in rows]})
    told = {} if weights is None else {WEIGHTS: weights}
    table = table.set_column(
        table.num_columns - 1, "embedding", table["embedding"].cast(pa.list_(pa.float32()))
    )
    pq.write_table(table.replace_schema_metadata(told), path)
    return path


def applied(fit, source, output, protocol="paper", **told):
    apply_transform(fit, Source(source), output, protocol=protocol, facts={"fit": "a"}, **told)
    return output


@pytest.fixture
def shards(fit, tmp_path):
    cuts = {"a": range(15), "b": range(15, 16), "c": range(16, N)}
    return [
        applied(fit, shard(tmp_path / f"in/{name}.parquet", rows), tmp_path / f"out/{name}.parquet")
        for name, rows in cuts.items()
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("method", ["clip", "text_subspace", "prompt_posterior", "soft_subspace"])
def test_neighbours_by_the_index_are_those_of_the_metrics(method, protocol, tmp_path):
    fit, texts = tmp_path / "fit.safetensors", RNG.normal(size=(6, R)).astype(np.float32)
    told = {"logit_scale": 10.0} if METHODS[method].uses_logit_scale else {}
    save_transform(fit, METHODS[method](**told).fit(texts))
    rows = RNG.permutation([*range(N), *range(5)])  # some are there twice
    values = VALUES * RNG.uniform(0.5, 2, (N, 1)).astype(np.float32)
    made = [
        applied(fit, shard(tmp_path / f"in/{n}.parquet", part, ids=None, values=values),
                tmp_path / f"out/{n}.parquet", protocol)
        for n, part in enumerate(np.array_split(rows, 3))
    ]  # fmt: skip
    gather_collection(made, tmp_path / "ids.parquet", tmp_path / "v.npy")
    by = PROTOCOLS[protocol]
    write_index(tmp_path / "v.npy", tmp_path / "v.faiss", by.distance)
    index = faiss.read_index(str(tmp_path / "v.faiss"))
    scored = load_transform(fit).transform(values[rows], unit_images=by.unit_images)
    ranking = Ranking(scored, np.zeros(len(rows)), by.distance)
    similar = ranking.similarities(0, len(rows))
    _, found = index.search(np.load(tmp_path / "v.npy"), len(rows))
    scale = np.abs(similar[np.isfinite(similar)]).max()
    for query, order in enumerate(found):
        others = order[order != query]
        assert sorted(others) == [row for row in range(len(rows)) if row != query]
        best = -np.sort(-similar[query])[:-1]
        np.testing.assert_allclose(similar[query, others], best, atol=1e-6 * scale)


def test_what_is_gathered_is_row_by_row_the_same(fit, shards, tmp_path):
    stranger = shards[0].with_name("gone.parquet")
    shutil.copy(shards[0], stranger)
    ids, vectors = tmp_path / "ids.parquet", tmp_path / "v.npy"
    assert gather_collection(shards, ids, vectors) == (N, 3)
    rows, values = pd.read_parquet(ids), np.load(vectors)
    assert rows["image_id"].tolist() == IDS
    assert rows["shard"].tolist() == ["a.parquet"] * 15 + ["b.parquet"] + ["c.parquet"] * 24
    assert rows["row"].tolist() == [*range(15), 0, *range(24)]
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, load_transform(fit).transform(VALUES), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=1e-6)
    told = {key.decode(): value.decode() for key, value in pq.read_schema(ids).metadata.items()}
    assert (told["fit"], told["distance"]) == ("a", "cosine")
    assert "source" not in told
    assert not stranger.exists()
    assert read_vectors(shards[0].parent).ids == IDS


@pytest.mark.parametrize("script", ["apply_transform", "gather_collection", "index_collection"])
def test_what_a_job_calls_is_in_its_fingerprint(script, fit, shards, tmp_path):
    outputs, called = (tmp_path / "ids.parquet", tmp_path / "v.npy"), set()
    gather_collection(shards, *outputs)
    calls = {
        "apply_transform": lambda: applied(fit, tmp_path / "in/a.parquet", shards[0]),
        "gather_collection": lambda: gather_collection(shards, *outputs),
        "index_collection": lambda: write_index(outputs[1], tmp_path / "v.faiss", "cosine"),
    }

    def listen(frame, event, argument):
        code = frame.f_code
        if "/lanzdml/" in code.co_filename:
            called.add((code.co_filename, code.co_firstlineno, code.co_name))

    before = sys.gettrace()
    sys.settrace(listen)
    try:
        calls[script]()
    finally:
        sys.settrace(before)
    assert len(called) > 1 or script == "index_collection"
    used = [METHODS.module("text_subspace")] if script == "apply_transform" else []
    assert not called_beside({"script": f"{script}.py", "called": called}, used)


def test_an_image_in_which_nothing_is_found_stays_zeros(tmp_path):
    fit = tmp_path / "fit.safetensors"
    texts = np.eye(R, dtype=np.float32)[:3]
    save_transform(fit, METHODS["text_subspace"](dim=2).fit(texts))
    aside = np.eye(R, dtype=np.float32)[[5, 0]]
    source = shard(tmp_path / "in/a.parquet", [0, 1], values=aside)
    made = read_vectors_of(applied(fit, source, tmp_path / "a.parquet"))
    assert not made[0].any()
    assert np.linalg.norm(made[1]) == pytest.approx(1)


def read_vectors_of(path):
    return np.stack(pd.read_parquet(path)["embedding"])


def test_many_rows_are_read_in_parts(fit, tmp_path, monkeypatch):
    source = shard(tmp_path / "in/a.parquet", range(N))
    whole = read_vectors_of(applied(fit, source, tmp_path / "a.parquet"))
    monkeypatch.setattr("lanzdml.embeddings.vectors.tables.ROWS", 7)
    sizes = [len(block) for block in transformed(load_transform(fit), read_vectors(source))]
    assert sizes == [7, 7, 7, 7, 7, 5]
    parts = applied(fit, source, tmp_path / "b.parquet")
    np.testing.assert_allclose(read_vectors_of(parts), whole, atol=1e-6)
    assert pd.read_parquet(parts)["image_id"].tolist() == IDS


def test_a_stack_of_what_sees_all_images_is_applied_at_once(monkeypatch):
    monkeypatch.setattr("lanzdml.embeddings.vectors.vectors.ROWS", 7)
    clay = METHODS["clay"]().fit(RNG.normal(size=(6, R)).astype(np.float32))
    stack = Stacked(["a", "b"], [clay, clay], [1, 1])
    (block,) = transformed(stack, _In(VALUES))
    assert np.array_equal(block, stack.transform(VALUES))


class _In:
    """Vectors in memory."""

    def __init__(self, values):
        self.array = lambda: values
        self.blocks = lambda: iter([values[:7], values[7:]])


def nan(folder):
    values = VALUES.copy()
    values[3, 2] = np.nan
    return shard(folder / "in/a.parquet", range(N), values=values)


def other_dim(folder):
    return shard(folder / "in/a.parquet", range(N), values=VALUES[:, :7])


def no_vectors(folder):
    pd.DataFrame({"image_id": IDS}).to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


def cut_off(folder):
    path = shard(folder / "in/a.parquet", range(N))
    path.write_bytes(path.read_bytes()[:-20])
    return path


def cut_inside(folder):
    """Its end, which is read first, is whole."""
    path = shard(folder / "in/a.parquet", range(N))
    content = path.read_bytes()
    path.write_bytes(content[:300] + bytes(300) + content[600:])
    return path


def empty(folder):
    return shard(folder / "in/a.parquet", [0, 1], values=np.zeros((2, R), np.float32))


def of_others(folder):
    return shard(folder / "in/a.parquet", range(N), weights="theirs")


BAD = {
    nan: "a.parquet, row 3: holds a value that is no number",
    other_dim: "a.parquet holds vectors of 7 dimensions, but",
    no_vectors: "a.parquet has 0 columns of lists of numbers",
    cut_off: "a.parquet cannot be read",
    cut_inside: "a.parquet cannot be read",
    empty: "a.parquet, row 0: all its values are zero",
    of_others: "a.parquet says that its vectors are of other weights than those that",
}


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_what_is_wrong_with_a_file_names_it(make, fit, tmp_path):
    source, output = make(tmp_path), tmp_path / "out/a.parquet"
    with pytest.raises(LanzdmlError) as error:
        applied(fit, source, output)
    assert BAD[make] in str(error.value)
    assert len(error.value.lines) == 1
    assert not output.parent.exists() or not list(output.parent.iterdir())


def test_vectors_by_the_same_weights_or_by_unknown_ones_fit(fit, tmp_path):
    for weights in ("ours", "given:other", None):
        check_fits(fit, read_vectors(shard(tmp_path / "in/a.parquet", [0], weights=weights)))


def test_what_could_not_be_fitted_says_why(tmp_path):
    save_not_fitted(tmp_path / "fit.safetensors", METHODS["pca"](128), "too few prompts")
    with pytest.raises(CannotFitError, match="too few prompts"):
        applied(tmp_path / "fit.safetensors", shard(tmp_path / "in/a.parquet", [0]), tmp_path / "b")


def test_an_id_in_two_files_names_both(fit, shards, tmp_path):
    source = shard(tmp_path / "in/b.parquet", [20])
    applied(fit, source, shards[1])
    output = tmp_path / "ids.parquet"
    with pytest.raises(LanzdmlError) as error:
        gather_collection(shards, output, tmp_path / "v.npy")
    assert "id 'image 20' is there twice: in b.parquet, row 0, and in c.parquet, row 4" in str(
        error.value
    )
    assert not output.exists()


def test_an_id_twice_in_a_file_names_its_rows(fit, shards, tmp_path):
    applied(fit, shard(tmp_path / "in/a.parquet", [3, 0, 3]), shards[0])
    with pytest.raises(LanzdmlError, match=r"in a.parquet, row 0, and in a.parquet, row 2;"):
        gather_collection(shards, tmp_path / "ids.parquet", tmp_path / "v.npy")


def test_shards_that_do_not_belong_together_are_not_gathered(fit, shards, tmp_path):
    outputs = tmp_path / "ids.parquet", tmp_path / "v.npy"
    other = tmp_path / "other.safetensors"
    save_transform(other, METHODS["text_subspace"](dim=2).fit(VALUES[:6]))
    applied(other, tmp_path / "in/b.parquet", shards[1])
    with pytest.raises(LanzdmlError, match=r"b.parquet and .*a.parquet differ in transform_sha256"):
        gather_collection(shards, *outputs)
    applied(fit, shard(tmp_path / "in/b.parquet", [0], ids=None), shards[1])
    with pytest.raises(LanzdmlError, match=r"only one of a.parquet and b.parquet has ids"):
        gather_collection(shards, *outputs)
    shutil.copy(tmp_path / "in/a.parquet", shards[1])
    with pytest.raises(LanzdmlError, match=r"b.parquet is no shard of a collection"):
        gather_collection(shards, *outputs)


# Of the configuration


@pytest.fixture
def config(things, tmp_path, monkeypatch):
    """The document's, in a folder of the test's own."""
    shutil.copytree(things / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return yaml.safe_load(CONFIG) | yaml.safe_load(SECTION)


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """The vectors of both documents."""
    folder = tmp_path_factory.mktemp("things")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(THINGS, {})
        exec(MORE, {})
    return folder


def test_what_is_left_out_is_the_first_of_the_configuration(config):
    (parsed,) = parse_config(config).collections.values()
    assert (parsed.model, parsed.dim, parsed.seed) == ("my_clip", 8, 0)
    config["collections"]["more"] |= {"method": "clip"}
    config["collections"]["again"] = config["collections"]["more"] | {
        "method": "indirect", "dim": 5, "seed": 1,
    }  # fmt: skip
    fits = Plan(parse_config(config)).applied
    assert str(fits["more"].path) == "things/my_clip/color/clip/dim-full/every-seed"
    assert str(fits["again"].path) == "things/my_clip/color/indirect/dim-5/seed-1"
    assert Plan(parse_config(config)).fits[fits["again"]] == "collections"


WRONG = {
    "no folder": ({"vectors": "data/mor"}, "collections.more.vectors: there is no data/mor"),
    "empty": ({"vectors": "data/none"}, "vectors: data/none holds no files of vectors"),
    "mixed": (
        {"vectors": "data/mixed"}, "vectors: data/mixed holds .npy and .parquet files of vectors",
    ),
    "a blank": ({"vectors": "data/blank"}, "a b.npy: name it with letters a to z, digits"),
    "one name": ({"vectors": "data/names"}, "a.npy: rename one of them"),
    "a link": ({"vectors": "data/linked"}, "x.npy is a link to"),
    "other dim": (
        {"vectors": "data/small"},
        "small/a.npy holds vectors of 7 dimensions, but those of datasets.things.vectors have 32",
    ),
    "cut off": ({"vectors": "data/cut"}, "data/cut/a.parquet cannot be read"),
    "no column": (
        {"vectors": {"file": "data/more", "column": "v"}}, "has no column 'v' of vectors, but emb",
    ),
    "no ids": ({"vectors": {"file": "data/more", "id": "key"}}, "has no 'key' for ids"),
    "dataset": ({"dataset": "thing"}, "dataset: 'thing' is not in datasets; did you mean 'things'"),
    "notion": ({"notion": "colour"}, "'colour' is not in datasets.things.notions; did you mean"),
    "model": ({"model": "clip"}, "collections.more.model: 'clip' is not in models"),
    "method": ({"method": "pca"}, "collections.more.method: 'pca' is not in methods; add it"),
    "position": ({"method": "random"}, "more.method: random goes by the position of an image"),
    "transductive": ({"method": "clay"}, "clay makes a vector of the other images, too"),
    "labels": (
        {"method": "lda", "notion": "unlabelled"}, "lda sees labels, and unlabelled has none",
    ),
    "dim": ({"dim": 33}, "collections.more.dim: 33 is larger than the 32 dimensions of"),
    "no dim": ({"method": "clip", "dim": 3}, "more.dim: clip keeps the model's own size"),
    "seed": ({"seed": 7}, "collections.more.seed: '7' is not in seeds; allowed: 0, 1"),
    "no seed": ({"method": "text_subspace", "seed": 0}, "more.seed: text_subspace is the same for"),
    "key": ({"gather": "npy"}, "collections.more.gather: unknown key"),
    "results": ({"vectors": "results/things"}, "is or holds results/things; name a folder"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_before_a_job(name, config, tmp_path):
    edits, says = WRONG[name]
    data = tmp_path / "data"
    for folder in ("none", "mixed", "blank", "names", "linked", "small", "cut"):
        (data / folder).mkdir()
    images = data / "things/images.npy"
    for path in ("mixed/a.npy", "blank/a b.npy", "names/a.npy", "names/a.NPY"):
        shutil.copy(images, data / path)
    part = data / "more/part-0.parquet"
    shutil.copy(part, data / "mixed/b.parquet")
    (data / "linked/x.npy").symlink_to(images)
    (data / "cut/a.parquet").write_bytes(part.read_bytes()[:-9])
    np.save(data / "small/a.npy", VALUES[:, :7])
    config["methods"] += ["clay", "lda"]
    notions = config["datasets"]["things"]["notions"]
    notions["unlabelled"] = notions["color"] | {"scored": False}
    config["collections"]["more"] |= edits
    if name == "results":
        (tmp_path / "results/things").mkdir(parents=True)
        shutil.copy(images, tmp_path / "results/things/a.npy")
    with pytest.raises(ConfigError) as error:
        parse_config(config)
    (line,) = error.value.lines
    assert says in line


def test_without_faiss_an_index_is_refused_before_a_job(config, monkeypatch):
    find = util.find_spec
    monkeypatch.setattr(
        "lanzdml.config.collections.find_spec", lambda name: None if name == "faiss" else find(name)
    )
    with pytest.raises(ConfigError, match=r"more.index: needs faiss, which is not installed"):
        parse_config(config)
    config["collections"]["more"]["index"] = False
    parse_config(config)


# Of the workflow


@pytest.fixture(scope="module")
def finished(things, tmp_path_factory):
    """A folder in which the document's example has run."""
    config = yaml.safe_load(CONFIG) | yaml.safe_load(SECTION)
    folder = working_folder(tmp_path_factory.mktemp("run"), config)
    shutil.copytree(things / "data", folder / "data")
    snakemake(folder, "--cores", "2", *TARGETS)
    return folder


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in (folder / COLLECTION).rglob("*")
        if path.is_file()
    }


def test_the_example_runs_as_it_stands(finished, monkeypatch, capsys):
    names = [f"part-{number}" for number in range(3)]
    shards = [f"{COLLECTION}/shards/{name}.parquet" for name in names]
    assert sorted(files_of(finished)) == sorted([*TARGETS, *shards])
    rows = pd.read_parquet(finished / TARGETS[0])
    assert rows["image_id"].tolist() == [f"thing-{number}" for number in range(3000)]
    given = np.concatenate([read_vectors_of(finished / f"data/more/{n}.parquet") for n in names])
    expected = load_transform(finished / FIT).transform(given)
    vectors = np.load(finished / TARGETS[1])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    index = faiss.read_index(str(finished / TARGETS[2]))
    assert np.array_equal(index.reconstruct_n(0, 3000), vectors)
    monkeypatch.chdir(finished)
    exec(SEARCH, {})
    found = re.findall(r"'thing-(\d+)'", capsys.readouterr().out)
    assert found[::5] == ["0", "1", "2"], "each is nearest to itself"


def test_any_number_of_jobs_makes_the_same_files(finished, tmp_path):
    before = files_of(finished)
    folder = shutil.copytree(finished, tmp_path / "again", symlinks=True)
    shutil.rmtree(folder / COLLECTION)
    snakemake(folder, "--cores", "1", *TARGETS)
    assert files_of(folder) == before


def test_only_the_files_that_change_are_transformed_anew(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "changed", symlinks=True)
    part = folder / "data/more/part-1.parquet"
    pd.read_parquet(part)[::-1].to_parquet(part, index=False)
    os.utime(part, (1, 1))  # older than the results, as one that is moved there
    shutil.copy(part, folder / "data/more/part-10.parquet")
    code, output = snakemake(folder, "--cores", "2", *TARGETS, check=False)
    assert code != 0
    assert set(re.findall("Transforming (.+) of more", output)) == {"part-1", "part-10"}
    (line,) = (line for line in output.splitlines() if line.startswith("Error: "))
    assert "id 'thing-1999' is there twice: in part-1.parquet, row 0, and in part-10.p" in line
    (folder / "data/more/part-10.parquet").unlink()
    (folder / "data/more/part-0.parquet").unlink()
    output = snakemake(folder, "--cores", "2", *TARGETS)
    assert "Transforming" not in output
    rows = pd.read_parquet(folder / TARGETS[0])
    assert rows["image_id"].tolist()[::1000] == ["thing-1999", "thing-2000"]
    assert len(list((folder / COLLECTION / "shards").iterdir())) == 2
    assert faiss.read_index(str(folder / TARGETS[2])).ntotal == 2000


def test_another_transform_makes_all_anew(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "other", symlinks=True)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["collections"]["more"]["dim"] = 4
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    jobs = plan(folder, target=TARGETS[2])
    assert jobs.keys() >= {"gather_collection", "index_collection"}
    assert jobs["apply_transform"] == 3
