"""The datasets of configs/field.yaml and clevr4.yaml, run on small copies in their own formats."""

import numpy as np
import pandas as pd
import pytest
import yaml
from pandas.testing import assert_frame_equal

from lanzdml.datasets.manifest import read_manifest
from tests import torchvision_datasets
from tests.raw_datasets import BUILDERS
from tests.test_paper import SMALL_MODEL
from tests.test_workflow import ROOT, snakemake, working_folder

pytestmark = pytest.mark.slow

CONFIGS = [
    yaml.safe_load((ROOT / f"configs/{name}.yaml").read_text(encoding="utf-8"))
    for name in ("field", "clevr4")
]
# Files made here have other checksums than torchvision's: tests/test_torchvision.py reads them.
SUMMED = {"cifar100", "flowers102"}
DATASETS = {
    name: of for config in CONFIGS for name, of in config["datasets"].items() if name not in SUMMED
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which all ran, and the manifests that were to come of it."""
    datasets = {
        name: {key: value for key, value in of.items() if key != "download"}
        for name, of in DATASETS.items()
    }
    config = {
        "results": "results", "datasets": datasets, "models": SMALL_MODEL, "dims": [8],
        "methods": ["random_transform"], "seeds": [0], "embeddings": {"device": "cpu"},
        "metrics": ["recall_at_5"],
    }  # fmt: skip
    folder, manifests = tmp_path_factory.mktemp("field"), {}
    working_folder(folder, config)
    for name, of in datasets.items():
        root = folder / of["root"]
        root.mkdir(parents=True)
        builders = torchvision_datasets.BUILDERS if "torchvision" in of else BUILDERS
        manifests[name] = builders[of.get("torchvision", {}).get("dataset", name)](root)
    snakemake(folder, "--cores", "2", "results/metrics.parquet")
    return folder, manifests


@pytest.mark.parametrize("dataset", DATASETS)
def test_manifests_are_exactly_right(finished, dataset):
    folder, manifests = finished
    manifest = read_manifest(folder / f"results/datasets/{dataset}/manifest.parquet")
    expected = manifests[dataset]
    assert_frame_equal(manifest[[*expected]], expected, check_dtype=False)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_notion_is_scored(finished, dataset):
    folder, manifests = finished
    rows = pd.read_parquet(folder / "results/metrics.parquet").query("dataset == @dataset")
    assert set(rows["status"]) == {"ok"}
    assert len(rows) == len(DATASETS[dataset]["notions"])
    for row in rows.itertuples():
        parts = DATASETS[dataset]["notions"][row.notion].get("combine", [row.notion])
        labels = manifests[dataset][parts].dropna()
        values = labels[parts[0]].explode() if len(parts) == 1 else labels.agg(" + ".join, axis=1)
        assert (row.n_images, row.n_classes) == (len(labels), values.nunique())
        assert np.isnan(row.map_at_r) == np.isnan(row.chance_map_at_r)
        assert row.recall_at_5 >= row.precision_at_1 or np.isnan(row.map_at_r)
        several = any(isinstance(label, tuple) and len(label) > 1 for label in labels[parts[0]])
        assert np.isnan(row.ami) == several
