"""docs/your-vectors.md, done as it says; vectors in all formats; and what is wrong with them."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from lanzdml.config.config import parse_config
from lanzdml.config.messages import ConfigError
from lanzdml.embeddings.given import given_images, given_prompts
from lanzdml.embeddings.storage import (
    GIVEN,
    LOGIT_SCALE,
    WEIGHTS,
    are_of_one_model,
    read_embeddings,
    read_metadata,
)
from lanzdml.errors import LanzdmlError
from lanzdml.metrics.scores import METRICS
from tests.test_vectors import FORMATS, IDS, PROMPTS, VALUES, clip_retrieval, npy, parquet
from tests.test_workflow import plan, snakemake, working_folder

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "your-vectors.md").read_text()
((CODE,), (CONFIG, EXTERNAL)) = (
    re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    for language in ("python", "yaml")
)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The document's vectors and configuration."""
    folder = tmp_path_factory.mktemp("vectors")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(CODE, {})
    return folder


@pytest.fixture
def config(example, tmp_path, monkeypatch):
    """The same in a folder of the test's own."""
    shutil.copytree(example / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return yaml.safe_load(CONFIG)


def lines_of(config):
    with pytest.raises(ConfigError) as error:
        parse_config(config)
    return error.value.lines


@pytest.fixture(scope="module")
def finished(example, tmp_path_factory):
    """Both configurations of the document in one; the other notion has vectors by seed."""
    config = yaml.safe_load(CONFIG)
    for name, external in (("color", external_of()), ("shape", BY_SEED)):
        config["datasets"]["things"]["notions"][name]["external"] = external
    folder = working_folder(tmp_path_factory.mktemp("run"), config)
    shutil.copytree(example / "data", folder / "data")
    images = np.load(folder / "data/things/images.npy")
    for seed, source in enumerate(BY_SEED["seeded"]["vectors"]):
        np.save(folder / source, images[:, seed : seed + 16])
    snakemake(folder, "--cores", "2")
    return folder


def external_of():
    return yaml.safe_load(EXTERNAL)["datasets"]["things"]["notions"]["color"]["external"]


BY_SEED = {"seeded": {"vectors": ["data/things/s0.npy", "data/things/s1.npy"], "source": "a | <b>",
                      "supervised": True}}  # fmt: skip


def test_a_run_of_finished_vectors_is_estimated(finished):
    estimate = json.loads((finished / "results/things/estimate.json").read_text())
    assert any("estimated" in job for job in estimate["jobs"])


def test_finished_vectors_are_rows_beside_the_others(finished):
    rows = pd.read_parquet(finished / "results/things/metrics.parquet")
    theirs = rows[rows["external"]].set_index(["notion", "method", "seed"])
    assert sorted(theirs.index) == [
        ("color", "other_model", 0), ("color", "other_model", 1),
        ("shape", "seeded", 0), ("shape", "seeded", 1),
    ]  # fmt: skip
    assert theirs["weights_sha256"].str.startswith("given:").all()
    assert theirs["weights_sha256"].nunique() == 3
    assert theirs["fit_seconds"].isna().all()
    # The same vectors are CLIP's, and so are their scores.
    clip = rows.query("method == 'clip' and notion == 'color'").set_index("seed")
    ranked = ["map_at_r", "precision_at_1", "r_precision", "map", "mrr"]
    mine = theirs.loc["color", "other_model"]
    np.testing.assert_allclose(mine[ranked], clip[ranked], rtol=1e-6)
    seeded = theirs.loc["shape", "seeded"]
    assert seeded["map_at_r"].nunique() == 2
    assert seeded["supervised"].all()
    assert not seeded["deterministic"].any()
    tables = finished / "results/things/tables"
    lines = (tables / "beyond.md").read_text().splitlines()
    table = [line.split(" | ") for line in lines if line.startswith("|")]
    cells = {name: values for _, name, *values in table}
    assert [cell.strip(" |") for cell in cells["other_model"][2:]] == ["—", "—"]
    assert [cell.strip(" |") for cell in cells["seeded"][:2]] == ["—", "—"]
    assert "±" in cells["seeded"][2]
    assert "**" not in "".join(cells["seeded"])
    assert any(line.startswith("| External | other_model") for line in lines)
    assert "- other_model: vectors that were made elsewhere, Another model, its last" in str(lines)
    significance = (tables / "significance.md").read_text()
    assert "ther_model is of vectors made elsewhere, and chance in making them" in significance
    report = (finished / "results/things/report.html").read_text()
    assert "Vectors that were made elsewhere: Another model, its last hidden state" in report
    assert "<b>." not in report
    assert "table2" not in [path.stem for path in tables.iterdir() if "seeded" in path.read_text()]


def test_the_example_runs_as_it_stands(finished):
    results = finished / "results/things"
    rows = pd.read_parquet(results / "metrics.parquet")
    assert set(rows["status"]) == {"ok"}
    by_method = rows[rows["notion"] == "color"].groupby("method")["map_at_r"].mean()
    assert by_method["text_subspace"] > by_method["clip"] > by_method["random"]
    assert (results / "figures/trimap.png").is_file()
    page = (results / "report.html").read_text()
    assert "images.npy" in page
    assert "float16" in page


def test_embeddings_say_that_they_were_given(finished):
    folder = finished / "results/things/embeddings/things/my_clip"
    rows, values, facts = read_embeddings(folder / "images.parquet")
    assert np.array_equal(values, np.load(finished / "data/things/images.npy").astype(np.float32))
    assert rows["image_id"].tolist() == [str(number) for number in range(60)]
    assert facts[GIVEN] == "images.npy"
    assert facts["precision"] == "float16"
    assert facts["lengths"] == "as given"
    assert facts[WEIGHTS].startswith("given:")
    assert read_metadata(folder / "prompts/color.parquet")[LOGIT_SCALE] == "100.0"


def test_other_vectors_make_anew_what_depends_on_them(finished):
    assert plan(finished) == {}
    path = finished / "data/things/color.npy"
    before = path.read_bytes()
    np.save(path, np.load(path)[::-1])
    jobs = plan(finished)
    path.write_bytes(before)
    assert "embed_prompts_things" in jobs
    assert not {"prepare_dataset", "read_vectors_things_my_clip"} & jobs.keys()


@pytest.mark.slow
def test_vectors_of_images_give_the_rows_that_the_images_gave(tmp_path_factory):
    """The same embeddings, embedded by the workflow and given to it: the same metrics."""
    config = yaml.safe_load((ROOT / "tests/configs/small.yaml").read_text())
    config.pop("experiments", None)
    config.pop("figures", None)
    embedded = working_folder(tmp_path_factory.mktemp("embedded"), config)
    snakemake(embedded, "--cores", "2", "results/metrics.parquet")
    given = yaml.safe_load(yaml.safe_dump(config))
    folder = working_folder(tmp_path_factory.mktemp("given"), given)
    for name, dataset in given["datasets"].items():
        for model in given["models"]:
            source = embedded / f"results/embeddings/{name}/{model}"
            _, values, _ = read_embeddings(source / "images.parquet")
            np.save(folder / f"{name}-{model}.npy", values)
            dataset.setdefault("vectors", {})[model] = f"{name}-{model}.npy"
    (folder / "config.yaml").write_text(yaml.safe_dump(given))
    snakemake(folder, "--cores", "2", "results/metrics.parquet")
    first, second = (
        pd.read_parquet(each / "results/metrics.parquet")[["method", "notion", "seed", *METRICS]]
        for each in (embedded, folder)
    )
    pd.testing.assert_frame_equal(first, second, check_exact=True)


# The others are of the same reader.
ONE_OF_A_KIND = ("x.npy", "x.npz", "x.safetensors", "x.pt", "ids.parquet", "saved")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_embeddings(name, tmp_path):
    write, has_ids = FORMATS[name]
    path = write(tmp_path / name)
    order = [3, 0, 6] if has_ids else range(7)
    values, facts = given_images(
        str(path), [IDS[row] for row in order], "the manifest", column=None, id=None
    )
    assert np.array_equal(values, VALUES[[*order]])
    assert facts["rows"] == ("by id" if has_ids else "in the order of the table")
    assert facts[GIVEN] == name


@pytest.mark.slow
def test_every_format_gives_the_same_rows(tmp_path_factory):
    """Each is a model of one configuration; that of clip-retrieval holds float16."""
    formats = {name: FORMATS[name][0] for name in ONE_OF_A_KIND}
    half = VALUES.astype(np.float16)
    formats |= {"half.npy": lambda path: npy(path, half), "clip_retrieval": clip_retrieval}
    table = pd.DataFrame({"image_id": IDS, "color": [*"abababb"]})
    config = {
        "datasets": {
            "things": {
                "labels": "labels.csv",
                "vectors": {name: f"vectors/{name}" for name in formats},
                "notions": {
                    "color": {
                        "prompts": ["a", "b"],
                        "vectors": dict.fromkeys(formats, "prompts.npy"),
                    }
                },
            }
        },
        "models": {name: {} for name in formats},
        "methods": ["text_subspace"],
        "dims": [1],
        "seeds": [0],
    }
    folder = working_folder(tmp_path_factory.mktemp("formats"), config)
    (folder / "vectors").mkdir()
    for name, write in formats.items():
        write(folder / "vectors" / name)
    table.to_csv(folder / "labels.csv", index=False)
    npy(folder / "prompts.npy", VALUES[:2])
    snakemake(folder, "--cores", "2", "results/metrics.parquet")
    rows = pd.read_parquet(folder / "results/metrics.parquet").set_index("model")
    rows = rows[[*METRICS, "tied_queries", "status"]]
    assert rows.index.is_unique
    assert set(rows.index) == set(formats)
    for name, row in rows.iterrows():
        expected = rows.loc["half.npy" if name in ("half.npy", "clip_retrieval") else "x.npy"]
        pd.testing.assert_series_equal(row, expected, check_names=False, check_exact=True)
    assert set(rows["status"]) == {"ok"}


def test_the_folder_of_clip_retrieval_has_both(tmp_path):
    folder = str(clip_retrieval(tmp_path / "embeddings"))
    images, _ = given_images(folder, IDS, "the manifest", column=None, id="image_path")
    prompts, facts = given_prompts(folder, PROMPTS, 100.0, column=None, id=None)
    assert np.array_equal(images, -prompts)
    assert facts[LOGIT_SCALE] == "100.0"


WRONG_PROMPTS = {
    "another number": (npy, PROMPTS[:-1], "holds 7 vectors, but there are 6 prompts"),
    "another order": (
        lambda path: parquet(path, prompt=PROMPTS), [PROMPTS[1], PROMPTS[0], *PROMPTS[2:]],
        "row 0: is of 'prompt 0', but prompt 0 is 'prompt 1'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_PROMPTS)
def test_prompts_that_are_not_those_of_the_vectors(name, tmp_path):
    write, prompts, says = WRONG_PROMPTS[name]
    path = write(tmp_path / ("x.npy" if write is npy else "x.parquet"))
    with pytest.raises(LanzdmlError, match=re.escape(says)):
        given_prompts(str(path), prompts, None, column=None, id=None)


WRONG_IDS = {
    "missing": ([*IDS[:-1], "other"], "has no vector of 'other'"),
    "twice in the table": ([*IDS[:-1], IDS[0]], "id 'image 0' is there twice, in rows 0 and 6"),
}


@pytest.mark.parametrize("name", WRONG_IDS)
def test_ids_that_do_not_fit(name, tmp_path):
    path = parquet(tmp_path / "x.parquet", image_id=IDS)
    ids, says = WRONG_IDS[name]
    with pytest.raises(LanzdmlError, match=re.escape(says)):
        given_images(str(path), ids, "the manifest", column=None, id=None)


def without(config, *keys):
    *path, last = keys
    for key in path:
        config = config[key]
    del config[last]


def other_rows(config):
    np.save("data/things/images.npy", np.ones((59, 32)))


def other_rows_of_a_table(config):
    parquet("images.parquet", np.ones((59, 32)))
    config["datasets"]["things"]["vectors"]["my_clip"] = "images.parquet"


def other_dims_by_id(config):
    np.savez("images.npz", clip=np.ones((99, 31)), image_id=np.arange(99), mean=np.ones(31))
    config["datasets"]["things"]["vectors"]["my_clip"] = "images.npz"


def ids_of_none(config):
    config["datasets"]["things"]["vectors"]["my_clip"] = {"file": "data/things/images.npy",
                                                         "id": "sku"}  # fmt: skip


def other_dims(config):
    np.save("data/things/color.npy", np.ones((3, 31)))


def external(config, name="theirs", scored=True, **changes):
    notion = config["datasets"]["things"]["notions"]["color"]
    given = {"vectors": "data/things/images.npy", "source": "theirs"} | changes
    notion["external"] = {name: {key: value for key, value in given.items() if value is not None}}
    notion["scored"] = scored


def sized(dim):
    np.save("sized.npy", np.ones((60, dim)))
    return "sized.npy"


THINGS = ("datasets", "things")
WRONG = {
    "no vectors of images": (
        lambda config: without(config, *THINGS, "vectors"),
        "datasets.things.vectors: data/things/labels.csv has no column 'image', but color, shape; "
        "give the column of the images that name, or vectors of model my_clip",
    ),
    "no vectors of prompts": (
        lambda config: without(config, *THINGS, "notions", "color", "vectors"),
        "datasets.things.notions.color.vectors: are needed of model my_clip, which has no "
        "architecture",
    ),
    "no such file": (
        lambda config: config["datasets"]["things"]["vectors"].update(my_clip="no.npy"),
        "datasets.things.vectors.my_clip: there is no no.npy",
    ),
    "another model": (
        lambda config: config["datasets"]["things"]["vectors"].update(mine="data/things/color.npy"),
        "datasets.things.vectors: there is no model 'mine'; allowed: my_clip",
    ),
    "other rows": (other_rows, "datasets.things.vectors.my_clip: data/things/images.npy holds 59 "),
    "other rows of a table": (other_rows_of_a_table, "images.parquet holds 59 vectors, not 60"),
    "other dims by id": (other_dims_by_id, "but those of datasets.things.vectors.my_clip have 31"),
    "ids of none": (ids_of_none, "images.npy can hold no ids beside its vectors: leave id out"),
    "other dims": (other_dims, "holds vectors of 31 dimensions, but those of datasets.things.vec"),
    "a gallery": (
        lambda config: config["figures"].update(gallery={"dataset": "things"}),
        "figures.gallery.dataset: things has vectors and labels only, and no images to show",
    ),
    "saliency": (
        lambda config: config["figures"].update(saliency={"dataset": "things"}),
        "figures.saliency.model: my_clip has vectors only, and no architecture",
    ),
    "skipping": (
        lambda config: config["datasets"]["things"].update(on_unreadable="skip"),
        "datasets.things.on_unreadable: data/things/labels.csv lists no images; leave it out",
    ),
    "weights without a model": (
        lambda config: config["models"]["my_clip"].update(pretrained="openai"),
        "models.my_clip.pretrained: is for an architecture",
    ),
    "external vectors of other rows": (
        lambda config: external(config, vectors="data/things/color.npy"),
        "things.notions.color.external.theirs.vectors[0]: data/things/color.npy holds 3 vectors",
    ),
    "external vectors that are not there": (
        lambda config: external(config, vectors=["no.npy", "data/things/images.npy"]),
        "datasets.things.notions.color.external.theirs.vectors[0]: there is no no.npy",
    ),
    "external vectors of some seeds": (
        lambda config: external(config, vectors=["data/things/images.npy"] * 3),
        "external.theirs.vectors: lists 3 files; give one, or one for each of the 2 seeds",
    ),
    "external vectors of several sizes": (
        lambda config: external(config, vectors=["data/things/images.npy", sized(9)]),
        "theirs.vectors[1]: sized.npy holds vectors of 9 dimensions, but those of datasets.things",
    ),
    "external vectors without a source": (
        lambda config: external(config, source=None),
        "datasets.things.notions.color.external.theirs.source: ",
    ),
    "external vectors by the name of a method": (
        lambda config: external(config, name="clay"),
        "datasets.things.notions.color.external.clay: there is a method of this name",
    ),
    "external vectors of what has no scores": (
        lambda config: external(config, scored=False),
        "datasets.things.notions.color.external: the notion is not scored; leave it out",
    ),
    "no positive scale": (
        lambda config: config["models"]["my_clip"].update(logit_scale=0.0),
        "models.my_clip.logit_scale: should be greater than 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_before_any_job(name, config):
    change, says = WRONG[name]
    change(config)
    assert any(line.startswith(says) or says in line for line in lines_of(config))


def test_vectors_of_images_can_be_beside_prompts_that_are_embedded(config, monkeypatch):
    for notion in config["datasets"]["things"]["notions"].values():
        del notion["vectors"]
    config["models"]["my_clip"] = {
        "architecture": str(ROOT / "resources/demo_clip/demo-M.json"),
        "pretrained": str(ROOT / "resources/demo_clip/demo-M.safetensors"),
    }
    (line,) = lines_of(config)
    assert "holds vectors of 32 dimensions, but those of models.my_clip have" in line


def test_only_the_user_knows_whether_given_vectors_are_of_one_model():
    assert are_of_one_model("a", "a")
    assert are_of_one_model("given:1", "given:2")
    assert are_of_one_model("a", "given:1")
    assert not are_of_one_model("a", "b")
    assert not are_of_one_model(None, "given:1")


@pytest.mark.slow
def test_without_a_logit_scale_there_is_a_reason(example, tmp_path_factory):
    config = yaml.safe_load(CONFIG) | {"models": {"my_clip": {}}, "figures": {}}
    folder = working_folder(tmp_path_factory.mktemp("no_scale"), config)
    shutil.copytree(example / "data", folder / "data")
    snakemake(folder, "--cores", "2", "results/things/metrics.parquet")
    rows = pd.read_parquet(folder / "results/things/metrics.parquet").set_index("method")
    assert set(rows.loc["prompt_posterior", "status"]) == {"not_fitted"}
    assert rows.loc["prompt_posterior", "reason"].str.contains("logit_scale").all()
    assert set(rows.loc["text_subspace", "status"]) == {"ok"}
    assert (
        pq.read_schema(
            folder / "results/things/embeddings/things/my_clip/prompts/color.parquet"
        ).metadata.get(b"logit_scale")
        is None
    )
