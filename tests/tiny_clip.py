"""A small CLIP with random weights, as the tests' users have it on disk or in the hub's cache."""

import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from PIL import Image

CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def png(color, mode="RGB"):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), color).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def publish(config):
    """Save a random model as open_clip publishes models, pickle and all, beside its JSON config."""
    import open_clip
    import torch
    from open_clip.push_to_hf_hub import save_for_hf

    config.write_text(json.dumps(CONFIG | {"quick_gelu": True}))
    open_clip.add_model_config(config)
    torch.manual_seed(0)
    model = open_clip.create_model(config.stem)
    tokenizer = SimpleNamespace(save_pretrained=lambda folder: None)
    folder = config.with_suffix("")
    save_for_hf(model, tokenizer, json.loads(config.read_text()), folder)
    return folder


def cache_repository(cache, repository, folder):
    """Put a folder into a hub's cache as huggingface_hub leaves a fetched repository there."""
    root = cache / f"models--{repository.replace('/', '--')}"
    shutil.copytree(folder, root / "snapshots" / COMMIT)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(COMMIT)


def embedded(clip):
    """Embeddings of two prompts and of two images."""
    from lanzdml.embeddings.embedding import embed_images, embed_prompts

    images = pd.DataFrame({"image_id": ["red", "blue"], "image": [png("red"), png("blue")]})
    values = embed_prompts(clip, ["a red car", "a blue car"]), embed_images(clip, images, Path())
    return np.stack(values)
