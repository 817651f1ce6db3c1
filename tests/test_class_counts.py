"""Numbers of images by class: of the paper's collections, and of manifests that differ."""

import logging
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from lanzdml.datasets import DATASETS, class_counts
from lanzdml.datasets.cars196 import CLASSES_FILE
from lanzdml.datasets.class_counts import (
    COUNTS_FILE,
    differing_classes,
    warn_of_differing_classes,
)
from lanzdml.metrics.chance import chance
from lanzdml.metrics.protocols import PROTOCOLS, RELEASED
from lanzdml.tables.published import read_published


@pytest.fixture(scope="module")
def counts():
    return pd.read_csv(COUNTS_FILE, keep_default_na=False)


def labels_of(counts, dataset, notion):
    rows = counts[(counts["dataset"] == dataset) & (counts["notion"] == notion)]
    return pd.Series(np.repeat(rows["class"].to_numpy(), rows["n_images"]))


def published_random(counts):
    """Each published value of Random with the chance of the labels that it was scored on."""
    sizes = counts.groupby(["dataset", "notion"])["n_images"].apply(list)
    for row in read_published().query("method == 'random'").itertuples():
        used = PROTOCOLS[RELEASED].notions_used(row.dataset, row.notion, "random").labels
        if (row.dataset, used) in sizes and row.metric not in ("ami", "nmi"):
            factor, digit = (100, 0.1) if row.unit == "percent" else (1, 0.001)
            yield row, factor * chance(sizes[row.dataset, used])[row.metric], digit


def test_chance_is_the_published_random_to_the_last_digit(counts):
    """Of metrics that look at many ranks, whose five draws have a std that is printed as zero."""
    compared = [
        (row, expected, digit)
        for row, expected, digit in published_random(counts)
        if row.metric in ("map_at_r", "r_precision", "map")
    ]
    assert len(compared) == 10 + 9 * 3  # Table 2, and the appendix without the last notion
    for row, expected, digit in compared:
        assert row.std == 0
        assert abs(expected - row.value) <= digit / 2, row


def test_where_five_draws_vary_chance_is_within_their_noise(counts):
    """Prec@1 and MRR see few ranks: 99 % of the means of five draws are this near."""
    compared = [
        (row, expected, digit)
        for row, expected, digit in published_random(counts)
        if row.metric in ("precision_at_1", "mrr")
    ]
    assert len(compared) == 10 + 9 + 8  # the appendix breaks off before MRR of the last but one
    for row, expected, digit in compared:
        error = (row.std + digit / 2) / np.sqrt(4)  # of the mean, as the std is the population's
        assert abs(expected - row.value) <= digit / 2 + t.ppf(0.995, 4) * error, row


def test_counts_are_of_all_images_and_classes_of_the_collections(counts):
    for dataset, rows in counts.groupby("dataset"):
        if dataset not in DATASETS:
            continue
        published = import_module(DATASETS[dataset].module).PUBLISHED
        for notion, number in published.classes.items():
            of_notion = rows[rows["notion"] == notion]
            assert (len(of_notion), of_notion["n_images"].sum()) == (number, published.images)
    cars = pd.read_csv(CLASSES_FILE)[98:]
    assert set(labels_of(counts, "cars196", "car_model")) == set(cars["class_name"])
    of_models = counts[counts["notion"] == "car_model"].set_index("class")["n_images"]
    for column in ("manufacturer", "car_type"):
        sums = cars["class_name"].map(of_models).groupby(cars[column]).sum()
        rows = counts[counts["notion"] == column].set_index("class")["n_images"]
        assert sums.to_dict() == rows.to_dict()


def test_counts_of_what_torchvision_reads_are_the_published_ones(counts):
    of_others = counts[~counts["dataset"].isin(DATASETS)].groupby(["dataset", "notion"])
    sums = {key: (len(rows), rows["n_images"].sum()) for key, rows in of_others}
    assert sums == {
        ("cifar100", "coarse"): (20, 10_000), ("cifar100", "fine"): (100, 10_000),
        ("dtd", "texture"): (47, 1_880), ("food101", "food"): (101, 25_250),
    }  # fmt: skip
    classes = pd.read_csv(COUNTS_FILE.parent / "classes/cifar100.csv")
    assert set(labels_of(counts, "cifar100", "fine")) == set(classes["class"])
    assert set(labels_of(counts, "cifar100", "coarse")) == set(classes["coarse"])


def test_equal_counts_say_nothing_and_unknown_ones_neither(counts):
    labels = labels_of(counts, "cars196", "car_type").sample(frac=1, random_state=0)
    assert differing_classes("cars196", "car_type", labels) == ""
    assert differing_classes("cars196", "car_color", labels) == ""
    assert differing_classes("mine", "car_type", labels) == ""
    genres = labels_of(counts, "movie_posters", "genre")
    assert "N/A" in set(genres)
    assert differing_classes("movie_posters", "genre", genres) == ""


def test_differing_counts_are_told_class_by_class(counts):
    labels = labels_of(counts, "cars196", "car_type")
    labels[labels[labels == "van"].index[:7]] = "pickup"
    labels[labels[labels == "coupe"].index[0]] = None
    assert differing_classes("cars196", "car_type", labels) == (
        "3 of 7 classes have other numbers of images than in the original annotation: pickup 594 "
        "instead of 587, van 699 instead of 706, coupe 1,243 instead of 1,244"
    )


def test_what_is_told_is_bounded_and_one_line(counts):
    labels = labels_of(counts, "cub200", "bird_species")
    labels = labels.replace(labels[0], "a\nlong name " * 99)
    labels[labels.isin(labels.unique()[1:20])] = "other"
    told = differing_classes("cub200", "bird_species", labels)
    assert told.startswith("22 of 102 classes")
    assert told.endswith("and 17 more")
    assert "\n" not in told
    assert len(told) < 600


def test_a_manifest_is_warned_of_by_notion(counts, caplog):
    fit, fabric = (labels_of(counts, "deepfashion", name) for name in ("fit", "fabric"))
    manifest = pd.DataFrame({
        "image_id": range(4000), "path": "x", "fit": fit, "fabric": fabric.replace("faux", "knit")
    })  # fmt: skip
    warn_of_differing_classes("deepfashion", manifest)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "deepfashion: fabric: 2 of 6 classes have other numbers of images than in the original "
        "annotation: faux 0 instead of 46, knit 400 instead of 354"
    )


def test_an_installed_library_knows_no_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(class_counts, "COUNTS_FILE", tmp_path / "none.csv")
    class_counts._counts.cache_clear()
    assert differing_classes("cars196", "car_type", pd.Series(["van"])) == ""
    class_counts._counts.cache_clear()
