"""Embedding on a CUDA device: the same numbers as on the CPU, with little memory, too."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lanzdml.datasets.demo_cars import read_manifest
from lanzdml.embeddings.embedding import embed_images, embed_prompts
from lanzdml.embeddings.loading import load_clip

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

RESOURCES = Path(__file__).parents[1] / "resources"
N_IMAGES = 200


@pytest.fixture(scope="module")
def cars():
    return read_manifest(RESOURCES / "demo_cars/test.parquet").head(N_IMAGES)


def demo(device):
    model = RESOURCES / "demo_clip/demo-M.json"
    return load_clip(str(model), str(model.with_suffix(".safetensors")), device)


@pytest.fixture(scope="module")
def on_cpu(cars):
    return embed_images(demo("cpu"), cars, RESOURCES)


def test_auto_is_cuda():
    assert demo("auto").description["device"] == "cuda"


def test_images_are_those_of_the_cpu(cars, on_cpu):
    """As close as float32 is: with TF32 they would differ in the third digit."""
    found = embed_images(demo("cuda"), cars, RESOURCES, batch_size=64, workers=2)
    assert np.abs(found - on_cpu).max() < 1e-5 * np.abs(on_cpu).max()


def test_prompts_are_those_of_the_cpu():
    prompts = [f"a {color} car" for color in ("red", "blue", "green")]
    expected = embed_prompts(demo("cpu"), prompts)
    found = embed_prompts(demo("cuda"), prompts)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_full_device_gets_smaller_batches(cars, on_cpu, capsys):
    clip = demo("cuda")
    torch.cuda.empty_cache()
    _, total = torch.cuda.mem_get_info()
    # What is there already, and 24 MB: room for some images and not for all of them.
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 24 * 2**20) / total)
    try:
        found = embed_images(clip, cars, RESOURCES, batch_size=N_IMAGES)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "out of memory on the GPU: from here on" in capsys.readouterr().out
    assert np.abs(found - on_cpu).max() < 1e-5 * np.abs(on_cpu).max()
