"""A model of each family that open_clip has, without training, loaded and used as any model is.

Towers of open_clip's own have one layer in place of many, tables of tokens few rows, and text
models of transformers are tiny: the code is the same. Those of timm are the smallest of their kind.
"""

import json
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lanzdml.embeddings.embedding import embed_images, embed_prompts
from lanzdml.embeddings.loading import load_clip
from lanzdml.embeddings.models import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    open_clip_models,
    read_local_architecture,
)
from lanzdml.embeddings.other_packages import import_text_models
from tests import tiny_tokenizers
from tests.tiny_clip import cache_repository, png

pytestmark = pytest.mark.slow
DEMO = Path(__file__).parents[1] / "resources" / "demo_clip" / "demo-S"
TOKENS = 260  # rows of a table: as many as any of the tiny tokenizers has tokens

# Left out is EVA01, the smallest of which has a billion parameters.
WITH_CLIPS_TOKENIZER = (
    "ViT-B-32", "ViT-B-32-quickgelu", "RN50", "convnext_tiny", "swin_base_patch4_window7_224",
    "vit_medium_patch16_gap_256", "vit_relpos_medium_patch16_cls_224", "EVA02-B-16", "ViTamin-S",
    "MobileCLIP-B", "MobileCLIP2-S0", "MobileCLIP2-S3", "PE-Core-T-16-384", "coca_ViT-B-32",
)  # fmt: skip
TOKENIZER_OF = {
    "ViT-B-16-SigLIP": tiny_tokenizers.t5,
    "ViT-B-16-SigLIP-i18n-256": tiny_tokenizers.sentencepiece,
    "ViT-B-32-SigLIP2-256": tiny_tokenizers.gemma,
    "ViT-L-14-CLIPA": tiny_tokenizers.bert,
    "ViT-L-14-worldwide": tiny_tokenizers.sentencepiece,
    "ViT-H-14-worldwide": tiny_tokenizers.xlm_roberta,
}
SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 64, "vocab_size": TOKENS, "max_position_embeddings": 128,
         "pad_token_id": 1}  # fmt: skip
NLLB = {"model_type": "m2m_100", "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64, "vocab_size": TOKENS, "max_position_embeddings": 128,
        "pad_token_id": 1}  # fmt: skip
MT5 = {"model_type": "mt5", "d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2,
       "vocab_size": TOKENS, "pad_token_id": 0}  # fmt: skip
TEXT_MODEL_OF = {
    "roberta-ViT-B-32": (tiny_tokenizers.roberta, {"model_type": "roberta", **SMALL}),
    "xlm-roberta-base-ViT-B-32": (
        tiny_tokenizers.xlm_roberta, {"model_type": "xlm-roberta", **SMALL},
    ),
    "mt5-base-ViT-B-32": (tiny_tokenizers.sentencepiece, MT5),
    "nllb-clip-base": (tiny_tokenizers.nllb, NLLB),
    "nllb-clip-base-siglip": (tiny_tokenizers.nllb, NLLB),
    "coca_roberta-ViT-B-32": (tiny_tokenizers.roberta, {"model_type": "roberta", **SMALL}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    """A hub's cache of this test's own, and no hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("it asks the network"))
    return tmp_path / "hub"


def save_weights(path, name):
    """Random weights of a model that open_clip knows."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.create_model(name, load_weights=False, pretrained_text=False)
    state = {key: value.clone().contiguous() for key, value in model.state_dict().items()}
    save_file(state, path)


def cache_text_model(name, cache, folder):
    """Put the config and tokenizer of an architecture's text model into a hub's cache.

    Returns:
        Random weights for the whole model.
    """
    tokenizer, text_model = TEXT_MODEL_OF[name]
    tokenizer(folder / "text")
    (folder / "text" / "config.json").write_text(json.dumps(text_model))
    repository = read_local_architecture(name)["text_cfg"]["hf_model_name"]
    cache_repository(cache, repository, folder / "text")
    import_text_models()
    weights = folder / "mine.safetensors"
    save_weights(weights, name)
    return weights


def shortened(name):
    """The config of an architecture with fewer layers and tokens."""
    config = json.loads(json.dumps(read_local_architecture(name)))
    for tower in ("vision_cfg", "text_cfg", "multimodal_cfg"):
        layers = config.get(tower, {}).get("layers")
        if isinstance(layers, int):
            config[tower]["layers"] = 1
    if "hf_tokenizer_name" in config["text_cfg"]:
        config["text_cfg"]["vocab_size"] = TOKENS
    return config


def check(clip, config):
    """One image and one prompt, and another of each, which the model tells apart."""
    images = pd.DataFrame({"image_id": ["red", "blue"], "image": [png("red"), png("blue")]})
    for values in (
        embed_images(clip, images, None),
        embed_prompts(clip, ["a photo of a red car", "a blue car"]),
    ):
        assert values.shape == (2, config["embed_dim"])
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert np.abs(values[0] - values[1]).max() > 1e-6 * np.abs(values).max()
    assert math.isfinite(float(clip.description["logit_scale"]))
    size = config["vision_cfg"]["image_size"]
    assert f"size=({size}, {size})" in clip.description["preprocessing"]


@pytest.mark.parametrize("name", [*WITH_CLIPS_TOKENIZER, *TOKENIZER_OF])
def test_a_family_is_loaded_from_a_folder(name, tmp_path):
    import open_clip

    config = shortened(name)
    folder = tmp_path / "model"
    folder.mkdir()
    if name in TOKENIZER_OF:
        TOKENIZER_OF[name](folder)
    one = tmp_path / f"shortened-{name}.json"
    one.write_text(json.dumps(config))
    open_clip.add_model_config(one)
    save_weights(folder / WEIGHTS_FILE, one.stem)
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}
    published = {"model_cfg": config, "preprocess_cfg": preprocessing}
    (folder / CONFIG_FILE).write_text(json.dumps(published))
    clip = load_clip(f"local-dir:{folder}", device="cpu")
    check(clip, config)
    assert "mean=[0.5, 0.5, 0.5]" in clip.description["preprocessing"]


@pytest.mark.parametrize("name", TEXT_MODEL_OF)
def test_a_family_with_a_text_model_of_the_hub_is_loaded_by_its_name(name, offline, tmp_path):
    weights = cache_text_model(name, offline, tmp_path)
    check(load_clip(name, str(weights), "cpu"), read_local_architecture(name))


def test_transformers_is_imported_for_a_model_that_needs_it_and_for_no_other(offline, tmp_path):
    name = "roberta-ViT-B-32"
    weights = cache_text_model(name, offline, tmp_path)
    script = textwrap.dedent(f"""
        import sys
        from lanzdml.embeddings.loading import load_clip

        load_clip("{DEMO}.json", "{DEMO}.safetensors", "cpu")
        assert "transformers" not in sys.modules
        load_clip("{name}", "{weights}", "cpu")
        assert "transformers" in sys.modules
    """)
    own = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(offline)}
    subprocess.run([sys.executable, "-c", script], env=own, check=True, cwd=DEMO.parents[2])


def kind(name):
    """Which towers and tokenizer an architecture has, by the first word of what they are called."""
    config = read_local_architecture(name)
    vision, text = config["vision_cfg"], config["text_cfg"]
    own = "resnet" if isinstance(vision.get("layers"), list) else "vit"
    tower = vision.get("timm_model_name", own).partition("_")[0]
    others = (text.get(key, "") for key in ("hf_model_name", "hf_tokenizer_name"))
    return tower, *(other.rpartition("/")[2].partition("-")[0] for other in others)


def test_no_family_is_forgotten():
    tested = {kind(name) for name in (*WITH_CLIPS_TOKENIZER, *TOKENIZER_OF, *TEXT_MODEL_OF)}
    untested = {name for name in open_clip_models() if kind(name) not in tested}
    assert untested == {"EVA01-g-14", "EVA01-g-14-plus"}
