"""Labels of several values in the workflow: a separator in a CSV and lists in Parquet, alike."""

import numpy as np
import pandas as pd
import pytest
import yaml

from lanzdml.embeddings.storage import read_embeddings
from lanzdml.metrics.chance import chance_of
from lanzdml.metrics.scores import RANK_METRICS
from lanzdml.transforms.storage import load_transform
from tests.test_relevance import agree, plain
from tests.test_workflow import snakemake
from tests.test_your_own import MY_CLIP, NOTIONS, RESULTS, own_folder

pytestmark = pytest.mark.slow

FLOWERS = "my_flowers"
COLORS = {"template": "a {aspect} picture", "aspects": "labels"}
EXPERIMENTS = {
    "specificity": {}, "unseen": {"splits": 2, "methods": ["clip", "text_subspace"]},
    "wording": {"methods": ["clip", "text_subspace"], "angles": [5], "draws": 1},
    "label_worth": {"labels": [1, 2], "draws": 2, "maps": ["lda", "class_means"]},
    "dim_choice": {"methods": ["text_subspace"], "dims": [2, 4]},
}  # fmt: skip
METHODS = ["clip", "indirect", "oracle", "text_subspace", "class_means", "lda"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run on flowers whose colours are those of flower and ground, in two ways."""
    folder = tmp_path_factory.mktemp("several")
    config = yaml.safe_load(yaml.safe_dump(NOTIONS | MY_CLIP))
    notions = config["datasets"][FLOWERS]["notions"]
    notions.pop("brightness")
    in_lists = notions | {"any_color": COLORS | {"labels": "colors"}}
    notions["any_color"] = in_lists["any_color"] | {"labels_separator": "/"}
    config["datasets"]["in_lists"] = {"labels": "data/flowers/lists.parquet", "notions": in_lists}
    experiments = {name: each | {"datasets": [FLOWERS]} for name, each in EXPERIMENTS.items()}
    config |= {"methods": METHODS, "dims": [4], "seeds": [0], "experiments": experiments}
    config["figures"] = {"gallery": {"dataset": FLOWERS}, "trimap": {"dataset": FLOWERS}}
    own_folder(folder, config)
    table = pd.read_csv(folder / "data/flowers/labels.csv")
    values = [sorted(set(row)) for row in table[["color", "background"]].to_numpy().tolist()]
    values[3] = None
    texts = [None if each is None else " / ".join(each) for each in values]
    table.assign(colors=texts).to_csv(folder / "data/flowers/labels.csv", index=False)
    table.assign(colors=values).to_parquet(folder / "data/flowers/lists.parquet")
    snakemake(folder, "--cores", "2")
    sets = [each if each is None else frozenset(each) for each in values]
    return folder / RESULTS, sets


def test_scores_are_those_of_a_plain_reference(finished):
    results, sets = finished
    runs = pd.read_parquet(results / "metrics.parquet")
    runs = runs[(runs["notion"] == "any_color") & (runs["dataset"] == FLOWERS)].set_index("method")
    used = np.array([each is not None for each in sets])
    labels = [each for each in sets if each is not None]
    rows, images, _ = read_embeddings(results / f"embeddings/{FLOWERS}/my_clip/images.parquet")
    assert rows["image_id"].is_monotonic_increasing
    for method in METHODS[:-1]:
        run = runs.loc[method]
        assert run["status"] == "ok"
        assert (run["n_images"], run["n_classes"]) == (19, 9)
        fits = results / f"transforms/{FLOWERS}/my_clip/any_color/{method}"
        (file,) = fits.glob("dim-4/*.safetensors" if method != "clip" else "*/*.safetensors")
        vectors = load_transform(file).transform(images[used]).astype(np.float64)
        expected = np.nanmean(plain(vectors, agree(labels)), axis=1)
        np.testing.assert_allclose(run[[*RANK_METRICS]].astype(float), expected, atol=1e-6)
        assert run["chance_map_at_r"] == pytest.approx(chance_of(labels)["map_at_r"])
        assert run[["ami", "nmi"]].isna().all()
        assert "several values" in run["reason"]
    assert runs.loc["lda", "status"] == "not_fitted"
    assert "defined for one label an image" in runs.loc["lda", "reason"]


def test_lists_are_as_texts_that_a_separator_takes_apart(finished):
    results, _ = finished
    runs = pd.read_parquet(results / "metrics.parquet")
    by_dataset = {
        name: part.set_index(["notion", "method"])[["n_classes", *RANK_METRICS]]
        for name, part in runs.groupby("dataset")
    }
    pd.testing.assert_frame_equal(by_dataset[FLOWERS], by_dataset["in_lists"])
    prompts = [
        read_embeddings(results / f"embeddings/{name}/my_clip/prompts/any_color.parquet")[0]
        for name in (FLOWERS, "in_lists")
    ]
    assert prompts[0].equals(prompts[1])
    assert len(prompts[0]) == 9, "the distinct values"


def test_every_table_and_figure_is_there_and_says_why_a_value_is_not(finished):
    results, _ = finished
    overview = pd.read_csv(results / "tables/table1.csv").set_index(["dataset", "notion"])
    counts = ["n_labelled", "n_classes", "n_prompts", "n_named"]
    assert overview.loc[(FLOWERS, "any_color"), counts].tolist() == [19, 9, 9, 9]
    classes = pd.read_csv(results / "tables/classes.csv")
    of_any = classes[(classes["notion"] == "any_color") & (classes["dataset"] == FLOWERS)]
    sizes = of_any.drop_duplicates("class").set_index("class")["n_images"]
    assert sizes.to_dict() == {
        "red": 4, "yellow": 5, "white": 5, "purple": 5,
        "green": 4, "blue": 4, "black": 4, "gray": 3, "teal": 4,
    }  # fmt: skip
    for name in EXPERIMENTS:
        assert (results / f"figures/{name}.png").exists()
    for name in ("unseen", "label_worth"):
        assert "its images have several values" in (results / f"tables/{name}.md").read_text()
    report = (results / "report.html").read_text()
    assert "images have several values" in report
