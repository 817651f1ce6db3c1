"""Embedding images on a CPU, against the model alone on ready tensors, and against the plain loop.

The plain loop is that of the paper's public code: an image is opened, preprocessed and embedded,
then the next.
"""

import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import open_clip
import pandas as pd
import torch
from PIL import Image

from benchmarks.machine import cores
from benchmarks.record import Record
from benchmarks.timing import paired, seconds
from lanzdml.arithmetic.products import faster_linear
from lanzdml.datasets.images import Images
from lanzdml.datasets.manifest import ID, PATH, read_manifest
from lanzdml.embeddings.clip import Clip
from lanzdml.embeddings.embedding import embed_images
from lanzdml.embeddings.loading import load_clip
from lanzdml.sources import ROOT

PIXELS = (480, 360)  # of a small photograph
PAIRS = 3
COLUMNS = (
    *("model", "batch", "ours", "model alone", "ours / model alone"),
    *("by torch's choice", "one by one", "ours / one by one", "decoding, one core"),
)


def measure() -> Record:
    rows, reached = [], []
    with tempfile.TemporaryDirectory() as folder:
        # On a CPU the fastest batch is one whose activations stay in its cache; config.yaml has 64.
        # Processes that decode would take cores from the model.
        for name, batch_size, n in (
            ("ViT-B/32", 8, 192),
            ("ViT-B/32", 64, 192),
            ("demo-M", 64, None),
        ):
            clip = demo_m("cpu") if name == "demo-M" else random_clip("ViT-B-32-quickgelu", "cpu")
            images = demo_cars() if n is None else photographs(Path(folder), n)
            alone, loop, cells = compare(clip, images, Path(folder), batch_size)
            reached.append(
                f"{name}, batches of {batch_size}: {alone:.0%} of the model's speed, {loop:.1f}x"
            )
            row = [name, str(batch_size), *cells]
            rows.append(dict(zip(COLUMNS, row, strict=True)))
    return Record(
        title="Embedding images",
        goal="within 10 % of the model's forward on tensors that are ready, as long as decoding "
        "keeps up; 5x the plain loop on the CPU",
        result="; ".join(reached),
        text=f"Images a second on {cores()} cores: JPEG files of {PIXELS[0]} x {PIXELS[1]} for "
        "ViT-B/32, whose weights are random as time does not depend on them, and the 1,000 images "
        "of demo_cars for demo-M; workers: 0. Model alone: on tensors that are ready, "
        "with our choice of library for its products and with torch's. One by one: the plain loop, "
        f"with torch's. Ratios are medians and ranges of {PAIRS} pairs.",
        rows=rows,
    )


def compare(
    clip: Clip, manifest: pd.DataFrame, root: Path, batch_size: int
) -> tuple[float, float, list[str]]:
    """How ours compares with the model alone and with the plain loop, and a row's cells."""
    images = Images(manifest, root)
    n = len(images)

    def decoded(position: int) -> torch.Tensor:
        return clip.preprocess(images[position])

    ready = torch.stack([decoded(position) for position in range(n)]).to(clip.device)

    def ours() -> None:
        embed_images(clip, manifest, root, batch_size=batch_size)

    @torch.inference_mode()
    def torchs_choice() -> None:
        for batch in ready.split(batch_size):
            clip.model.encode_image(batch).cpu()

    def model_alone() -> None:
        with faster_linear(clip.device):
            torchs_choice()

    @torch.inference_mode()
    def one_by_one() -> None:
        for position in range(n):
            clip.model.encode_image(decoded(position)[None].to(clip.device)).cpu()

    def decoding() -> None:
        for position in range(n):
            decoded(position)

    # To warm up
    model_alone()
    torchs_choice()
    alone, loop = (paired(ours, other, PAIRS) for other in (model_alone, one_by_one))
    torchs, decodings = (
        [seconds(work) for _ in range(PAIRS)] for work in (torchs_choice, decoding)
    )

    def speed(taken: list[float]) -> str:
        return f"{n / median(taken):,.0f}"

    return (
        alone.ratio,
        loop.ratio,
        [
            *(speed(alone.ours), speed(alone.theirs), f"{alone.ratio:.0%}", speed(torchs)),
            *(speed(loop.theirs), str(loop), speed(decodings)),
        ],
    )


def random_clip(name: str, device: str) -> Clip:
    """One of open_clip's architectures with random weights."""
    model, _, preprocess = open_clip.create_model_and_transforms(
        name, pretrained=None, device=device
    )
    tokenizer = open_clip.get_tokenizer(name)
    return Clip(model.eval().requires_grad_(False), preprocess, tokenizer, device, {})


def demo_m(device: str) -> Clip:
    config = ROOT / "resources/demo_clip/demo-M.json"
    return load_clip(str(config), str(config.with_suffix(".safetensors")), device)


def demo_cars() -> pd.DataFrame:
    return read_manifest(ROOT / "resources/demo_cars/test.parquet")


def photographs(folder: Path, n: int) -> pd.DataFrame:
    """Write n images with about as much detail as photographs to a folder; returns a manifest."""
    rng = np.random.default_rng(0)
    names = [f"{number}.jpg" for number in range(n)]
    for name in names:
        coarse = rng.integers(0, 256, (45, 60, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize(PIXELS, Image.Resampling.BICUBIC)
        image.save(folder / name, quality=90)
    return pd.DataFrame({ID: names, PATH: names})
