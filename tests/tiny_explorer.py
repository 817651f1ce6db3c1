"""Small results that an explorer shows, made by the benchmark's own code."""

import io
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from PIL import Image

from lanzdml import CLIP, PCA, RandomTransform, TextSubspace
from lanzdml.datasets.labels import label_text
from lanzdml.datasets.manifest import FINGERPRINT, fingerprint, write_manifest
from lanzdml.embeddings.storage import WEIGHTS, write_embeddings
from lanzdml.explorer.page import write_explorer
from lanzdml.explorer.task import DatasetTask, MethodTask, NotionTask, Source
from lanzdml.metrics.evidence import Evidence
from lanzdml.metrics.scoring import score_runs
from lanzdml.metrics.task import ScoreTask
from lanzdml.transforms.storage import save_not_fitted, save_transform

SEED = 3
N_TEXTS, DIM = 20, 12
REASON = "there are <b>too few</b> prompts"


def picture(number, side=40):
    """An encoded image of one colour, which its number says."""
    color = tuple(np.random.default_rng(number).integers(0, 256, 3).tolist())
    data = io.BytesIO()
    Image.new("RGB", (side, side), color).save(data, "PNG")
    return data.getvalue()


def vectors_by(labels, noise=1.0, seed=0):
    """Vectors (n, 12) around one of each label."""
    generator = np.random.default_rng(seed)
    texts = [label_text(tuple_or_text(label)) if label else "" for label in labels]
    codes, _ = pd.factorize(np.array(texts, object))
    centres = generator.normal(size=(codes.max() + 1, DIM))
    return (centres[codes] + noise * generator.normal(size=(len(labels), DIM))).astype(np.float32)


def tuple_or_text(label):
    """A label as it is read."""
    return frozenset(label) if isinstance(label, tuple) else label


@dataclass
class Tiny:
    """A dataset of images in a folder, and what was made of it.

    Attributes:
        folder: of all its files.
        labels: of each notion: texts, tuples or None.
        vectors: of the images.
        ids: of the images.
        images: column ``image`` or ``path`` of the manifest, in place of made pictures; False for
            vectors only.
    """

    folder: object
    labels: dict
    vectors: np.ndarray
    ids: list = None
    images: object = None
    name: str = "mine"
    notions: dict = field(default_factory=dict)

    def __post_init__(self):
        n = len(self.vectors)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ids = self.ids or [f"image {number}" for number in range(n)]
        rows = pd.DataFrame({"image_id": self.ids} | self.labels)
        if self.images is None:
            rows["image"] = [picture(number) for number in range(n)]
        elif self.images is not False:
            rows[self.images.name] = self.images
        write_manifest(self.manifest, rows, list(self.labels), self.name)
        facts = {FINGERPRINT: fingerprint(rows), WEIGHTS: "w"}
        write_embeddings(self.embeddings, rows[["image_id"]], self.vectors, facts)

    @property
    def manifest(self):
        return self.folder / "manifest.parquet"

    @property
    def embeddings(self):
        return self.folder / "images.parquet"

    def transform(self, cls):
        """The file of what a method learned from texts that are drawn at random; PCA cannot."""
        path = self.folder / f"{cls.name}.safetensors"
        texts = np.random.default_rng(1).normal(size=(N_TEXTS, DIM)).astype(np.float32)
        method = cls(dim=4) if cls.has_dim else cls()
        method.set_params(random_state=SEED)
        if cls is PCA:
            save_not_fitted(path, method, REASON, **{WEIGHTS: "w"})
        else:
            save_transform(path, method.fit(texts), n_prompts=N_TEXTS, **{WEIGHTS: "w"})
        return path

    def score(self, notion, cls, queries=None, protocol="paper", transform=None):
        """A method's run on a notion, as the explorer is told of it."""
        outputs = self.folder / notion / cls.name
        transform = str(transform or self.transform(cls))
        external = {"source": "elsewhere", "supervised": False} if "parquet" in transform else None
        evidence = Evidence(
            *(f"{outputs}-{kind}.parquet" for kind in ("queries", "pairs", "draws"))
        )
        run = {"dataset": self.name, "notion": notion, "model": "m", "protocol": protocol}
        task = ScoreTask(
            output=f"{outputs}.parquet", run=run | {"method": cls.name}, transform=transform,
            seeds=[SEED], version="1", images=str(self.embeddings), manifest=str(self.manifest),
            labels=notion, queries=queries, siblings=[transform], evidence=evidence,
            external=external,
        )  # fmt: skip
        score_runs([task], kept=self.folder / "kept")
        return MethodTask(cls.name, transform, SEED, task.output, evidence.queries)

    def task(self, methods=(CLIP, TextSubspace, RandomTransform, PCA), queries=None, others=None,
             protocol="paper"):  # fmt: skip
        """All of its notions by some methods."""
        notions = [
            NotionTask(
                notion, str(self.embeddings), notion, queries,
                [self.score(notion, cls, queries, protocol) for cls in methods],
            )
            for notion in self.labels
        ]  # fmt: skip
        return DatasetTask(self.name, self.source, others, notions)

    @property
    def source(self):
        return Source(str(self.manifest), str(self.folder), [])


def write_page(folder, *tasks, images=2000, protocol="paper"):
    """The page of some tasks."""
    path = folder / "explorer.html"
    write_explorer(path, tasks, model="m", protocol=protocol, seed=SEED, images=images)
    return path
