"""Stand-ins for CLIP embeddings of the paper's datasets: vectors with the same sizes and structure.

They are made up, so scores on them say nothing; fits and metrics take the time that they would take
on real vectors. As CLIP's, they lie in a narrow cone, texts and images each in one of its own, and
vary around its axis in directions of decaying strength. Each text has a place there; an image's is
the sum of those of its labels, and of one that is its own. So a prompt and the images that it
describes agree, methods find something, and trained ones take some hundreds to some thousands of
iterations.
"""

import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from lanzdml.config.config import Config, parse_config
from lanzdml.config.notions import NotionConfig
from lanzdml.datasets.cars196 import CLASSES_FILE
from lanzdml.datasets.labels import distinct_labels
from lanzdml.datasets.manifest import FINGERPRINT, ID, PATH, fingerprint, write_manifest
from lanzdml.embeddings.prompts import FROM_LABELS, make_prompts, read_aspects
from lanzdml.embeddings.storage import WEIGHTS, write_embeddings
from lanzdml.plan import Plan
from lanzdml.sources import ROOT

DECAY = 0.5  # the k-th direction varies with k^-DECAY
TEXT_SPREAD = 0.55  # beside an axis of length 1: texts then have a mean cosine of about 0.77
LABEL_SPREAD, IMAGE_SPREAD = 0.3, 0.5
LENGTH = 10.0  # of a CLIP embedding, about


class StandInModel:
    """Makes embeddings of r components, the same in every run.

    Args:
        name: another name is another model.
        r: size of an embedding.
    """

    def __init__(self, name: str, r: int) -> None:
        rng = _rng(name)
        self.name = name
        basis, _ = np.linalg.qr(rng.standard_normal((r, r)))
        strengths = np.arange(1, r + 1) ** -DECAY
        self._directions = (strengths / np.linalg.norm(strengths))[:, None] * basis
        axes = rng.standard_normal((2, r))
        self._text_axis, self._image_axis = axes / np.linalg.norm(axes, axis=1, keepdims=True)

    def texts(self, texts: list[str]) -> np.ndarray:
        """Embeddings of texts: (n, r) float32."""
        return self._scaled(self._text_axis + TEXT_SPREAD * self._places(texts))

    def images(self, image_ids: list[str], labels: pd.DataFrame) -> np.ndarray:
        """Embeddings of images: (n, r) float32.

        Args:
            image_ids: (n,).
            labels: (n, notions), as written in prompts.
        """
        own = IMAGE_SPREAD * self._places(image_ids)
        for notion in labels:
            codes, distinct = pd.factorize(labels[notion])
            own += LABEL_SPREAD * self._places([f"{text}" for text in distinct])[codes]
        return self._scaled(self._image_axis + own)

    def _places(self, texts: list[str]) -> np.ndarray:
        r = len(self._directions)
        return np.stack([_rng(text).standard_normal(r) for text in texts]) @ self._directions

    def _scaled(self, vectors: np.ndarray) -> np.ndarray:
        return (LENGTH * vectors).astype(np.float32)


def labels_at_paper_sizes(dataset: str, config: Config) -> pd.DataFrame:
    """Labels (n, notions) of as many images and classes as a dataset of the paper has.

    Where labels are aspects of a notion they are the first of them. Sizes of classes are those of
    the real dataset for Cars196's hierarchy and for the largest country, even for CUB200 and the
    synthetic cars, and fall as 1 / rank elsewhere.
    """
    notions = config.datasets[dataset].notions
    rng = _rng(dataset)
    if dataset == "cars196":
        classes = pd.read_csv(CLASSES_FILE, dtype="str").iloc[98:]
        rows = classes.iloc[np.sort(rng.integers(len(classes), size=8131))]
        return pd.DataFrame({
            "car_model": rows["class_name"].to_numpy(),
            "manufacturer": rows["manufacturer"].to_numpy(),
            "car_type": rows["car_type"].to_numpy(),
        })  # fmt: skip
    n_images = {"synthetic_cars": 1000, "cub200": 5924, "deepfashion": 4000, "movie_posters": 8052}
    n_classes = {
        "synthetic_cars": {"car_model": 6, "car_color": 17, "background_color": 17},
        "cub200": {"bird_species": 100},
        "deepfashion": {"clothing_category": 50, "texture": 7, "fabric": 6, "fit": 3},
        "movie_posters": {"genre": 25, "production_country": 69},
    }[dataset]
    columns = {}
    for notion, n in n_classes.items():
        weights = 1 / np.arange(1, n + 1)
        if dataset in ("synthetic_cars", "cub200"):
            weights[:] = 1
        if notion == "production_country":
            weights[0] = weights[1:].sum() * 6143 / (8052 - 6143)
        weights /= weights.sum()
        names = [f"{notion} {number}" for number in range(n)]
        _, aspects = template_and_aspects(notions[notion])
        if aspects != FROM_LABELS:
            named = read_aspects(aspects)[:n]
            names[: len(named)] = named
        # Each class once, so that none is missing.
        rest = rng.choice(n, n_images[dataset] - n, p=weights)
        columns[notion] = np.array(names)[rng.permutation(np.concatenate([np.arange(n), rest]))]
    return pd.DataFrame(columns)


def template_and_aspects(notion: NotionConfig) -> tuple[str, list[str] | str]:
    """Of a notion whose prompts are made of them."""
    assert notion.template is not None
    assert notion.aspects is not None
    return notion.template, notion.aspects


def stand_in_images(dataset: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Labels (n, notions) and embeddings (n, 512) of a dataset at the paper's size."""
    values = yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8"))
    labels = labels_at_paper_sizes(dataset, parse_config(values))
    image_ids = [f"{dataset}/{number}" for number in range(len(labels))]
    return labels, StandInModel("ViT-B-32", 512).images(image_ids, labels)


def place(plan: Plan, folder: Path) -> None:
    """Write manifests and embeddings where the workflow would have cached them.

    Args:
        plan: of the paper's datasets.
        folder: where the workflow is run.
    """
    config, paths = plan.config, plan.paths
    labels = {dataset: labels_at_paper_sizes(dataset, config) for dataset in config.datasets}
    ids = {dataset: [f"{dataset}/{n}" for n in range(len(of))] for dataset, of in labels.items()}
    rows = {dataset: pd.DataFrame({ID: names, PATH: names}) for dataset, names in ids.items()}
    for dataset, of in labels.items():
        manifest = folder / paths.manifest(dataset)
        write_manifest(manifest, rows[dataset].join(of), list(of), dataset)
    for dataset, model in plan.embedded:
        size = config.models[model].embed_dim
        assert size is not None, "it is none of the hub"
        stand_in = StandInModel(model, size)
        origin = {"architecture": f"stand-in for {model}", "embed_dim": str(size), WEIGHTS: "none"}
        images = stand_in.images(ids[dataset], labels[dataset])
        made_of = {FINGERPRINT: fingerprint(rows[dataset])}
        files = folder / paths.images(dataset, model)
        write_embeddings(files, rows[dataset][[ID]], images, origin | made_of)
        # All of a dataset's notions, as one job embeds them.
        for notion in plan.notions_of(dataset):
            template, aspects = template_and_aspects(plan.notions[dataset, notion])
            if aspects == FROM_LABELS:
                aspects = distinct_labels(folder / paths.manifest(dataset), notion)
            prompts = make_prompts(template, aspects)
            texts = stand_in.texts(prompts["aspect"].tolist())
            write_embeddings(folder / paths.prompts(dataset, model, notion), prompts, texts, origin)


def _rng(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))
