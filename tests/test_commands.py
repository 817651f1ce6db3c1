"""The command ``lanzdml``: what it prints, what it writes, and what it says of bad input."""

import io
import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from lanzdml import TextSubspace
from lanzdml.commands.compare import compare
from lanzdml.commands.main import lanzdml
from lanzdml.commands.score import CLUSTERS, FEW, IMAGES, NO_CLASSES, QUERIES, score
from lanzdml.embeddings.vectors import read_vectors
from lanzdml.methods import METHODS
from lanzdml.methods.base import normalise
from lanzdml.metrics import METRICS, compute_metrics
from lanzdml.metrics.chance import chance, chance_of
from lanzdml.metrics.resampling import resampled_scores
from lanzdml.metrics.scores import RANK_METRICS
from lanzdml.transforms.storage import load_transform, save_transform
from tests.tiny_clip import cache_repository

ROOT = Path(__file__).parents[1]
N, CLASSES = 90, 5
RNG = np.random.default_rng(0)
LABELS = [f"class {number % CLASSES}" for number in range(N)]
VECTORS = (
    np.eye(8)[[number % CLASSES for number in range(N)]] + RNG.normal(size=(N, 8), scale=0.6)
).astype(np.float32)
PROMPTS = RNG.normal(size=(6, 8)).astype(np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Vectors, labels of all but one image, and prompts."""
    monkeypatch.chdir(tmp_path)
    np.save("images.npy", VECTORS)
    np.save("prompts.npy", PROMPTS)
    table = pd.DataFrame({"image_id": [f"{n:02}" for n in range(N)], "kind": LABELS})
    table.to_csv("labels.csv", index=False)
    shuffled = RNG.permutation(N)
    table = pd.DataFrame(
        {"embedding": [*VECTORS[shuffled]], "image_id": table["image_id"][shuffled]}
    )
    table.to_parquet("shuffled.parquet", index=False)
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(lanzdml, [*map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("file", ["images.npy", "shuffled.parquet"])
def test_score_prints_the_seven_metrics_of_the_library(file, folder):
    code, out, err = run("score", file, "labels.csv", "--label", "kind", "--format", "json")
    assert code == 0
    values = {row["metric"]: row["value"] for row in json.loads(out)}
    expected = compute_metrics(VECTORS, LABELS)
    assert [*values] == [*METRICS]
    ranks = [name for name in METRICS if file == "images.npy" or name not in ("ami", "nmi")]
    assert {name: values[name] for name in ranks} == pytest.approx(
        {name: expected[name] for name in ranks}
    )
    assert f"{N} images of {CLASSES} classes, 8 dimensions" in err
    assert ("by id" if file == "shuffled.parquet" else "in the order of the table") in err


def test_score_prints_chance_beside_the_values(folder):
    _, out, _ = run("score", "images.npy", "labels.csv", "--label", "kind", "--format", "csv")
    by_chance = pd.read_csv(io.StringIO(out), index_col="metric")["chance"]
    assert by_chance.drop(["ami", "nmi"]).to_dict() == pytest.approx(
        chance([N // CLASSES] * CLASSES)
    )
    assert by_chance["ami"] == 0
    assert np.isnan(by_chance["nmi"])


def test_score_prints_other_metrics_after_the_seven_where_they_are_named(folder):
    arguments = ("score", "images.npy", "labels.csv", "--label", "kind", "--format", "csv")
    _, seven, _ = run(*arguments, "--kmeans-repeats", 3)
    names = ["recall_at_5", "ari", "silhouette"]
    _, out, _ = run(*arguments, "--metrics", "silhouette, recall_at_5,ari", "--kmeans-repeats", 3)
    rows = pd.read_csv(io.StringIO(out), index_col="metric")
    assert out.startswith(seven)
    assert [*rows.index] == [*METRICS, *names]
    expected = compute_metrics(VECTORS, LABELS, metrics=rows.index, kmeans_repeats=3)
    assert rows["value"].to_dict() == pytest.approx(expected)
    by_chance = rows["chance"][names].tolist()
    assert by_chance[:2] == pytest.approx(
        [chance([N // CLASSES] * CLASSES, ["recall_at_5"])["recall_at_5"], 0]
    )
    assert np.isnan(by_chance[2])
    assert rows["interval"][names].tolist() == [QUERIES, CLUSTERS, "none"]
    assert rows["low"]["recall_at_5"] < rows["value"]["recall_at_5"] < rows["high"]["recall_at_5"]


def test_score_leaves_out_images_without_a_label(folder):
    table = pd.read_csv("labels.csv")
    table.loc[3, "kind"] = None
    table.to_csv("labels.csv", index=False)
    _, out, err = run("score", "images.npy", "labels.csv", "--label", "kind", "--format", "csv")
    assert err == (
        "89 images of 5 classes, 8 dimensions; labels joined in the order of the table; rows "
        "without a label, left out: 1\n"
    )
    values = pd.read_csv(io.StringIO(out), index_col="metric")["value"]
    kept = [row for row in range(N) if row != 3]
    expected = compute_metrics(VECTORS[kept], [LABELS[row] for row in kept])
    assert values.to_dict() == pytest.approx(expected)


def test_the_intervals_are_those_of_draws_of_images_and_of_queries():
    rows = score(VECTORS, pd.Series(LABELS)).set_index("metric")
    drawn = resampled_scores(VECTORS, LABELS)
    for metric, row in rows.iterrows():
        if metric in drawn:
            # Student's t with N - 1 degrees of freedom.
            reach = 1.987 * drawn[metric].std(ddof=1)
            assert row["high"] - row["value"] == pytest.approx(reach, rel=1e-3)
            assert row["interval"] == IMAGES
        elif metric in ("ami", "nmi"):
            assert np.isnan(row["low"])
            assert row["interval"] == CLUSTERS
        else:
            assert row["low"] < row["value"] < row["high"]
            assert row["interval"] == QUERIES


def test_few_queries_have_no_interval():
    rows = score(VECTORS[:20], pd.Series(LABELS[:20]))
    assert rows["low"].isna().all()
    assert set(rows["interval"]) == {FEW, CLUSTERS}


def test_what_is_scored_and_left_out_is_said_beside_the_results(folder):
    table = pd.read_csv("labels.csv", dtype="str")[:-2]
    table.loc[0, "kind"] = "alone"
    table.to_csv("labels.csv", index=False)
    _, out, err = run("score", "shuffled.parquet", "labels.csv", "--label", "kind")
    assert "88 images of 6 classes, 8 dimensions; labels joined by id; images alone in" in err
    assert "no queries: 1; vectors that the table does not name, left out: 2" in err
    table, by_metric = out.splitlines(), {line.split()[0]: line for line in out.splitlines()}
    assert len(table) == 1 + len(METRICS)
    assert by_metric["map_at_r"].endswith(IMAGES)
    assert by_metric["mrr"].endswith(QUERIES)
    assert by_metric["ami"].endswith(CLUSTERS)


def test_compare_is_of_the_same_queries(folder):
    np.save("noise.npy", VECTORS + RNG.normal(size=VECTORS.shape))
    code, out, _ = run(
        "compare", "images.npy", "noise.npy", "labels.csv", "--label", "kind", "--format", "json"
    )
    assert code == 0
    row = json.loads(out)[0]
    assert row["difference"] == pytest.approx(row["first"] - row["second"])
    assert row["first"] == pytest.approx(compute_metrics(VECTORS, LABELS)["map_at_r"])
    assert row["low"] < row["difference"] < row["high"]
    assert row["decided"]
    assert row["better"] > row["worse"]


def test_vectors_do_not_differ_from_themselves():
    rows = compare(VECTORS, VECTORS, pd.Series(LABELS))
    assert (rows["difference"] == 0).all()
    assert rows["low"].isna().all()
    assert not rows["decided"].any()


def test_prompts_can_say_the_dimensions(folder):
    fit = ("fit", "prompts.npy", "-o", "t.safetensors", "--method", "text_subspace", "--dim")
    code, out, _ = run(*fit, "auto")
    assert code == 0
    dim = TextSubspace(dim="auto").fit(PROMPTS).dim_
    assert f"which say r' = {dim}: t.safetensors" in out
    assert load_transform("t.safetensors").dim == dim
    assert "'much' is not a valid integer" in run(*fit, "much")[2]


@pytest.mark.parametrize("output", ["out.npy", "out.parquet"])
@pytest.mark.parametrize("method", ["text_subspace", "indirect", "clay"])
def test_fit_and_transform_are_those_of_the_library(method, output, folder):
    assert run("fit", "prompts.npy", "-o", "t.safetensors", "--method", method, "--dim", 3)[0] == 0
    code, out, _ = run("transform", "t.safetensors", "shuffled.parquet", "-o", output)
    assert code == 0
    expected = METHODS[method](dim=3, random_state=0).fit(PROMPTS)
    written, given = read_vectors(folder / output), read_vectors(folder / "shuffled.parquet")
    assert np.array_equal(written.array(), expected.transform(given.array()))
    assert written.ids == (given.ids if output == "out.parquet" else None)
    assert f"{N} vectors of {written.dim} dimensions" in out


@pytest.mark.parametrize(("method", "option"), [
    ("contrast_subspace", "against"), ("text_lda", "images"), ("splice", "images"),
])  # fmt: skip
def test_fit_hands_on_what_a_method_needs_beside_prompts(method, option, folder):
    np.save("more.npy", VECTORS[:20])
    told = ["fit", "prompts.npy", "-o", "t.safetensors", "--method", method]
    code, out, err = run(*told)
    assert code == 1
    assert f": name a file of their vectors by --{option}" in out + err
    assert run(*told, f"--{option}", "more.npy")[0] == 0
    assert run("transform", "t.safetensors", "images.npy", "-o", "out.npy")[0] == 0
    expected = METHODS[method]().fit(PROMPTS, **{option: VECTORS[:20]}).transform(VECTORS)
    assert np.array_equal(np.load("out.npy"), expected)
    code, out, err = run("fit", "prompts.npy", "-o", "u.safetensors", "--method", "text_subspace",
                         f"--{option}", "more.npy")  # fmt: skip
    assert code == 1
    assert f"text_subspace has no use for --{option}: leave it out" in out + err


def test_fit_hands_on_labelled_images(folder):
    pd.DataFrame({"kind": ["a", "b"] * (N // 2) + ["a"] * (N % 2)}).to_csv("kinds.csv", index=False)
    told = ["fit", "prompts.npy", "-o", "t.safetensors", "--method", "few_shot_posterior"]
    for option, value in (("images", "images.npy"), ("labels", "kinds.csv"), ("label", "kind")):
        code, out, err = run(*told)
        assert code == 1
        assert f"by --{option}" in out + err
        told += [f"--{option}", value]
    assert run(*told)[0] == 0
    labels = pd.read_csv("kinds.csv")["kind"]
    expected = METHODS["few_shot_posterior"]().fit(PROMPTS, images=VECTORS, labels=labels)
    assert run("transform", "t.safetensors", "images.npy", "-o", "out.npy")[0] == 0
    assert np.array_equal(np.load("out.npy"), expected.transform(VECTORS))


def test_a_large_collection_is_transformed_block_by_block(folder, monkeypatch):
    monkeypatch.setattr("lanzdml.embeddings.vectors.vectors.ROWS", 7)
    run("fit", "prompts.npy", "-o", "t.safetensors", "--method", "text_subspace", "--dim", 3)
    run("transform", "t.safetensors", "images.npy", "-o", "out.npy")
    expected = METHODS["text_subspace"](dim=3).fit(PROMPTS).transform(VECTORS)
    assert np.allclose(np.load("out.npy"), expected, atol=1e-6)


def in_files(folder, n=3):
    """The shuffled vectors in several files of a new folder."""
    table = pd.read_parquet(folder / "shuffled.parquet")
    (folder / "many").mkdir()
    for number, rows in enumerate(np.array_split(np.arange(N), n)):
        table.iloc[rows].to_parquet(folder / f"many/part-{number}.parquet", index=False)


def test_a_folder_is_transformed_file_by_file(folder):
    in_files(folder)
    run("fit", "prompts.npy", "-o", "t.safetensors", "--method", "text_subspace", "--dim", 3)
    code, out, _ = run("transform", "t.safetensors", "many", "-o", "made/here")
    assert code == 0
    assert f"{N} vectors of 3 dimensions: made/here" in out
    assert sorted(path.name for path in (folder / "made").rglob("*")) == [
        "here", *(f"part-{number}.parquet" for number in range(3)),
    ]  # fmt: skip
    run("transform", "t.safetensors", "many", "-o", "one.parquet")
    made, one = read_vectors(folder / "made/here"), read_vectors(folder / "one.parquet")
    assert made.ids == one.ids
    np.testing.assert_array_equal(made.array(), one.array())
    code, out, err = run("transform", "t.safetensors", "many", "-o", "made/here")
    assert code == 1
    assert "made/here is there already" in out + err


def test_a_folder_is_there_when_all_of_it_is(folder):
    in_files(folder)
    run("fit", "prompts.npy", "-o", "t.safetensors", "--method", "text_subspace", "--dim", 3)
    last = folder / "many/part-2.parquet"
    last.write_bytes(last.read_bytes()[:-9])
    before = set(folder.iterdir())
    code, out, err = run("transform", "t.safetensors", "many", "-o", "made")
    assert code == 1
    assert "many/part-2.parquet cannot be read" in out + err
    assert set(folder.iterdir()) == before
    run("fit", "prompts.npy", "-o", "clay.safetensors", "--method", "clay")
    code, out, err = run("transform", "clay.safetensors", "many", "-o", "made")
    assert code == 1
    assert "clay.safetensors makes the vectors of all images at once: name a file" in out + err


def test_an_index_is_by_cosine(folder):
    faiss = pytest.importorskip("faiss")
    fit = METHODS["prompt_posterior"](logit_scale=5.0).fit(PROMPTS)  # not of unit length
    save_transform("t.safetensors", fit)
    before = set(folder.iterdir())
    assert run("transform", "t.safetensors", "images.npy", "-o", "out.faiss")[0] == 0
    assert set(folder.iterdir()) - before == {folder / "out.faiss"}
    index = faiss.read_index("out.faiss")
    expected = normalise(fit.transform(VECTORS))
    assert index.metric_type == faiss.METRIC_INNER_PRODUCT
    np.testing.assert_array_equal(index.reconstruct_n(0, N), expected)


def test_an_index_without_faiss_says_which_extra_has_it(folder, monkeypatch):
    run("fit", "prompts.npy", "-o", "t.safetensors", "--method", "text_subspace", "--dim", 3)
    monkeypatch.setitem(sys.modules, "faiss", None)
    code, out, err = run("transform", "t.safetensors", "images.npy", "-o", "out.faiss")
    assert code == 1
    assert "this needs faiss, which is not installed" in out + err
    assert "pip install '.[index]'" in out + err


def test_what_lacks_says_which_extra_has_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, out, err = run("fit", "prompts.npy", "-o", "t.safetensors")
    assert code == 1
    assert "this needs torch, which is not installed" in out + err
    assert "pip install '.[fit]'" in out + err
    assert "pip install 'lanzdml[fit]'" in out + err
    assert not (folder / "t.safetensors").exists()


def test_models_lists_what_open_clip_has_and_what_is_cached(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("it asks the network"))

    def cache(repository, name):
        files = tmp_path / name
        files.mkdir()
        (files / name).touch()
        cache_repository(tmp_path, repository, files)

    def listed(*arguments):
        code, out, err = run("models", *arguments, "--format", "json")
        assert code == 0, err
        return {(row["architecture"], row["pretrained"]): row for row in json.loads(out)}

    cache("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "open_clip_model.safetensors")
    cache("timm/ViT-B-16-SigLIP", "open_clip_pytorch_model.bin")  # without its tokenizer
    cache("jienengchen/ViTamin-S", "pytorch_model.bin")
    rows = listed()
    own = rows["ViT-B-32", "laion2b_s34b_b79k"]
    assert (own["image_size"], own["embed_dim"], own["tokenizer"]) == (224, 512, "CLIP")
    assert rows["ViT-B-16-SigLIP", "webli"]["tokenizer"] == "timm/ViT-B-16-SigLIP"
    assert rows["ViT-S-16", ""]["cached"] is False
    here = {("ViT-B-32", "laion2b_s34b_b79k"), ("ViTamin-S", "datacomp1b")}
    assert {key for key, row in rows.items() if row["cached"]} == here == {*listed("--cached")}
    assert {key for key in rows if "siglip2" in key[0].lower()} == {*listed("siglip2")}
    counted = listed("b-32-quickgelu", "--parameters")
    assert {row["parameters_millions"] for row in counted.values()} == {151}
    code, out, err = run("models", "no such")
    assert (code, out + err) == (
        1,
        "Error: open_clip has no model with 'no such' in its name or tag\n",
    )


OF_FOLDERS = {"merge", "site", "verify"}  # of results: docs/sharing.md


def test_the_documents_commands_do_what_they_say(folder):
    pd.DataFrame({"color": LABELS}).to_csv("labels.csv", index=False)
    for name in ("config.yaml", "resources"):  # what is there where Snakemake is called
        (folder / name).symlink_to(ROOT / name)
    text = (ROOT / "docs/command-line.md").read_text()
    commands = re.findall(r"^\.venv/bin/python -m lanzdml (.+)$", text, re.MULTILINE)
    assert {command.split()[0] for command in commands} == set(lanzdml.commands) - OF_FOLDERS
    for command in commands:
        code, out, err = run(*shlex.split(command))
        assert code == 0, err
        assert out


WRONG = {
    "no metric": (
        ["score", "images.npy", "labels.csv", "--label", "kind", "--metrics", "recall_at_50"],
        "there is no metric 'recall_at_50'; did you mean 'recall_at_5'?",
    ),
    "no column": (["score", "images.npy", "labels.csv", "--label", "kin"], "did you mean 'kind'?"),
    "no table": (["score", "images.npy", "no.csv", "--label", "kind"], "there is no file no.csv"),
    "no vectors": (["score", "no.npy", "labels.csv", "--label", "kind"], "there is no file no.npy"),
    "another number": (
        ["score", "prompts.npy", "labels.csv", "--label", "kind"],
        "prompts.npy holds 6 vectors, but labels.csv 90 rows",
    ),
    "a label each": (
        ["score", "images.npy", "labels.csv", "--label", "image_id"],
        "column 'image_id' has another label in each row",
    ),
    "one label": (
        ["score", "images.npy", "one.csv", "--label", "kind"], "has 1 different labels",
    ),
    "an id without a vector": (
        ["score", "shuffled.parquet", "other.csv", "--label", "kind"], "has no vector of 'other'",
    ),
    "an id twice": (
        ["score", "shuffled.parquet", "twice.csv", "--label", "kind"], "id '00' is there twice",
    ),
    "no method": (
        ["fit", "prompts.npy", "-o", "t.safetensors", "--method", "indirct"],
        "did you mean 'indirect'?",
    ),
    "labels needed": (
        ["fit", "prompts.npy", "-o", "t.safetensors", "--method", "oracle"],
        "learns from labels alone",
    ),
    "too large an r'": (
        ["fit", "prompts.npy", "-o", "t.safetensors", "--dim", "9"], "larger than the 8 dimensions",
    ),
    "no transform": (
        ["transform", "images.npy", "images.npy", "-o", "out.npy"], "images.npy",
    ),
    "another size": (
        ["transform", "small.safetensors", "images.npy", "-o", "out.npy"],
        "images.npy holds vectors of 8 dimensions, but small.safetensors was fitted to those of 5",
    ),
    "another format": (
        ["transform", "t.safetensors", "images.npy", "-o", "out.csv"],
        "written as .npy, .parquet, .faiss or",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line(name, folder):
    pd.DataFrame({"kind": ["a"] * N}).to_csv("one.csv", index=False)
    table = pd.read_csv("labels.csv", dtype="str")
    table.assign(image_id=[*table["image_id"][:-1], "other"]).to_csv("other.csv", index=False)
    table.assign(image_id=["00", *table["image_id"][:-1]]).to_csv("twice.csv", index=False)
    save_transform("small.safetensors", METHODS["clip"]().fit(PROMPTS[:, :5]))
    before = set(folder.iterdir())
    arguments, says = WRONG[name]
    code, out, err = run(*arguments)
    (line,) = (out + err).strip().splitlines()
    assert code == 1
    assert line.startswith("Error: ")
    assert says in line
    assert set(folder.iterdir()) == before


# Several values, and queries to a gallery

GENRES = [{f"class {n % CLASSES}", f"class {n * n % 4}"} for n in range(N)]
ROLES = ["query" if n % 3 == 0 else "gallery" if n % 7 else "train" for n in range(N)]
USED = np.array([role != "train" for role in ROLES])
IS_QUERY = np.array([role == "query" for role in ROLES])


def write_several(labels):
    """The same labels in a text that a bar separates, and as lists."""
    rows = {"image_id": [f"{n:02}" for n in range(N)], "role": ROLES}
    rows["capitals"] = ["Query", *["query", "gallery"] * N][:N]
    texts = [None if values is None else " | ".join(sorted(values)) for values in labels]
    lists = [None if values is None else [*values] for values in labels]
    pd.DataFrame(rows | {"genres": texts}).to_csv("several.csv", index=False)
    pd.DataFrame(rows | {"genres": lists}).to_parquet("several.parquet", index=False)


def scored(*arguments):
    code, out, err = run("score", "images.npy", *arguments, "--label", "genres", "--format", "json")
    assert code == 0, err
    return pd.DataFrame(json.loads(out)).set_index("metric"), err


@pytest.mark.parametrize(
    "arguments", [("several.csv", "--labels-separator", "|"), ("several.parquet",)], ids=len
)
def test_score_takes_several_values(arguments, folder):
    write_several([None, *GENRES[1:]])
    rows, err = scored(*arguments)
    expected = compute_metrics(VECTORS[1:], GENRES[1:])
    by_chance = chance_of(GENRES[1:])
    for name in RANK_METRICS:
        assert rows.loc[name, "value"] == pytest.approx(expected[name])
        assert rows.loc[name, "chance"] == pytest.approx(by_chance[name])
    assert rows.loc[["ami", "nmi"], ["value", "chance", "low"]].isna().all(axis=None)
    assert set(rows.loc[["ami", "nmi"], "interval"]) == {NO_CLASSES}
    assert f"{N - 1} images of {CLASSES} classes, some of several, 8 dimensions" in err
    assert "rows without a label, left out: 1" in err


def test_queries_rank_the_gallery_alone(folder):
    write_several(GENRES)
    rows, err = scored("several.parquet", "--queries", "role")
    labels = [values for values, used in zip(GENRES, USED, strict=True) if used]
    expected = compute_metrics(VECTORS[USED], labels, queries=IS_QUERY[USED])
    for name in RANK_METRICS:
        assert rows.loc[name, "value"] == pytest.approx(expected[name])
    assert rows.loc["map", "chance"] == pytest.approx(chance_of(labels, IS_QUERY[USED])["map"])
    n_queries = IS_QUERY.sum()
    assert f"; {n_queries} queries to {USED.sum() - n_queries} images" in err
    assert f"rows that are no query or gallery, left out: {(~USED).sum()}" in err
    code, out, _ = run(
        "compare", "images.npy", "images.npy", "several.parquet", "--label", "genres",
        "--queries", "role", "--format", "json",
    )  # fmt: skip
    assert code == 0
    (row, _) = json.loads(out)
    assert row["first"] == row["second"] == pytest.approx(expected["map_at_r"])


def test_one_label_each_is_as_without_a_separator(folder):
    """A table in which one image has two values differs for that alone."""
    table = pd.read_csv("labels.csv", dtype="str")
    table.assign(genres=table["kind"]).to_csv("labels.csv", index=False)
    plain, _ = scored("labels.csv")
    table.assign(genres=[[kind] for kind in table["kind"]]).to_parquet("lists.parquet")
    assert scored("lists.parquet")[0].equals(plain)


def test_one_label_each_of_those_used_is_scored_as_such(folder):
    """Images of several values that are neither query nor gallery leave clusters defined."""
    kinds = pd.read_csv("labels.csv", dtype="str")["kind"]
    write_several([{kind} if used else {kind, "x"} for kind, used in zip(kinds, USED, strict=True)])
    rows, err = scored("several.parquet", "--queries", "role")
    expected = compute_metrics(VECTORS[USED], kinds[USED], queries=IS_QUERY[USED])
    assert rows.loc["ami", "value"] == pytest.approx(expected["ami"])
    assert rows.loc["ami", "chance"] == 0
    assert rows.loc["ami", "interval"] == "none for clusters"
    assert "some of several" not in err


@pytest.mark.parametrize(("arguments", "says"), [
    (["several.csv", "--label", "genres", "--labels-separator", ";"],
     "';' separates nothing in column 'genres'"),
    (["several.parquet", "--label", "genres", "--labels-separator", "|"],
     "column 'genres' holds lists of values"),
    (["several.csv", "--label", "genres", "--queries", "rol"], "did you mean 'role'?"),
    (["several.csv", "--label", "genres", "--queries", "image_id"],
     "no row with a label has 'query' in column 'image_id'"),
    (["several.csv", "--label", "genres", "--queries", "capitals"],
     "column 'capitals' holds 'Query'; write query"),
    (["vectors.parquet", "--label", "embedding"],
     "column embedding holds list<element: double>, which are no labels"),
])  # fmt: skip
def test_what_is_wrong_with_several_values_is_one_line(arguments, says, folder):
    write_several(GENRES)
    pd.DataFrame({"embedding": [*VECTORS.astype("float64")]}).to_parquet("vectors.parquet")
    code, out, err = run("score", "images.npy", *arguments)
    assert code == 1
    assert says in out + err
    assert (out + err).count("\n") == 1


def test_fit_says_what_several_values_are_not_for(folder):
    write_several(GENRES)
    arguments = (
        "fit", "prompts.npy", "-o", "t.safetensors", "--method", "few_shot_posterior",
        "--images", "images.npy",
    )  # fmt: skip
    code, out, err = run(*arguments, "--labels", "several.parquet", "--label", "genres")
    assert code == 1
    assert "images have several values of this notion" in out + err
    code, out, err = run(
        "fit", "prompts.npy", "-o", "t.safetensors", "--method", "text_subspace",
        "--labels-separator", "|",
    )  # fmt: skip
    assert code == 1
    assert "--labels-separator is of --labels" in out + err
