"""Embedding images, against the model alone on tensors that are ready, and against the plain loop.

The plain loop is that of the paper's public code: an image is opened, preprocessed and embedded,
then the next.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import open_clip
import pandas as pd
import torch
from PIL import Image

from benchmarks.machine import cores
from benchmarks.record import Record
from benchmarks.timing import Paired, paired
from lanzdml.clip import Clip, embed_images, load_clip
from lanzdml.images import read_image
from lanzdml.manifest import ID, PATH
from lanzdml.products import FasterLinear
from lanzdml.sources import ROOT

PIXELS = (480, 360)  # of a small photograph
BATCH = 64
PAIRS = 3
N_IMAGES = {"cpu": 192, "cuda": 4096}


def measure() -> Record:
    rows, goals = [], []
    with tempfile.TemporaryDirectory() as folder:
        for device, n_images in N_IMAGES.items():
            for name, load in {"ViT-B/32": vit_b_32, "demo-M": demo_m}.items():
                cells = ["not measured: no GPU"] * 7
                if device == "cpu" or torch.cuda.is_available():
                    alone, loop, cells = compare(load(device), photographs(Path(folder), n_images))
                    goals.append(f"{name}, {device}: {alone:.0%} of the model's, {loop:.1f}x")
                rows.append(dict(zip(COLUMNS, [name, device, *cells], strict=True)))
    return Record(
        title="Embedding images",
        goal="within 10 % of the model's forward on tensors that are ready, as long as decoding "
        "keeps up; 5x the plain loop on the CPU",
        result="; ".join(goals),
        text=f"Images a second. {cores()} cores, batches of {BATCH}, JPEG files of {PIXELS[0]} x "
        f"{PIXELS[1]} decoded by {cores()} processes beside the model. Model alone: on tensors that "
        "are ready, and the same with torch's own choice of library for its products. Ratios are "
        f"medians and ranges of {PAIRS} pairs. Weights of ViT-B/32 are random: time is the same.",
        rows=rows,
    )


COLUMNS = (
    "model",
    "device",
    "ours",
    "model alone",
    "ours / model alone",
    "model alone, torch's choice",
    "one by one",
    "ours / one by one",
    "decoding alone, one core",
)


def compare(clip: Clip, manifest: pd.DataFrame) -> tuple[float, float, list[str]]:
    """How ours compares with the model alone and with the plain loop, and a row's cells."""
    paths = [Path(path) for path in manifest[PATH]]

    def decoded(path: Path) -> torch.Tensor:
        return clip.preprocess(read_image(path, path.name))

    ready = torch.stack([decoded(path) for path in paths]).to(clip.device)

    def ours():
        embed_images(clip, manifest, Path(), batch_size=BATCH, workers=cores())

    @torch.inference_mode()
    def torchs_choice():
        for batch in ready.split(BATCH):
            clip.model.encode_image(batch).cpu()

    def model_alone():
        with FasterLinear():
            torchs_choice()

    @torch.inference_mode()
    def one_by_one():
        for path in paths:
            clip.model.encode_image(decoded(path)[None].to(clip.device)).cpu()

    def decoding():
        for path in paths:
            decoded(path)

    def against(other: Callable[[], None]) -> tuple[Paired, str]:
        pair = paired(ours, other, PAIRS)
        return pair, f"{len(paths) / median(pair.theirs):.0f}"

    model_alone(), torchs_choice()  # to warm up
    alone, alone_speed = against(model_alone)
    _, torchs_speed = against(torchs_choice)
    loop, loop_speed = against(one_by_one)
    _, decoding_speed = against(decoding)
    return (
        alone.ratio,
        loop.ratio,
        [
            f"{len(paths) / median(alone.ours):.0f}",
            *(alone_speed, f"{alone.ratio:.0%}", torchs_speed),
            *(loop_speed, str(loop), decoding_speed),
        ],
    )


def vit_b_32(device: str) -> Clip:
    model, _, preprocess = open_clip.create_model_and_transforms(
        "ViT-B-32-quickgelu", pretrained=None, device=device
    )
    return Clip(model.eval().requires_grad_(False), preprocess, None, device, {})


def demo_m(device: str) -> Clip:
    files = (ROOT / "resources/demo_clip" / f"demo-M.{end}" for end in ("json", "safetensors"))
    return load_clip(*map(str, files), device)


def photographs(folder: Path, n: int) -> pd.DataFrame:
    """Write n images whose detail compresses about as that of photographs; returns a manifest."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(n):
        coarse = rng.integers(0, 256, (45, 60, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize(PIXELS, Image.Resampling.BICUBIC)
        paths.append(folder / f"{number}.jpg")
        image.save(paths[-1], quality=90)
    return pd.DataFrame({ID: [path.name for path in paths], PATH: [str(path) for path in paths]})
