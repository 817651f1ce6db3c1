"""Training of the demo CLIPs, in little: from layers to a checkpoint that the benchmark loads."""

import json
import math

import numpy as np
import pytest

from demo_assets.scenes import CAR_MODELS
from demo_assets.training_data import recolored_batches

CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture
def layers():
    random = np.random.default_rng(0)
    return random.integers(0, 120, (8, 5, 32, 32)).astype(np.uint8), np.arange(8) % len(CAR_MODELS)


def test_batches_are_recolourings(layers):
    images, names, paint, background = next(recolored_batches(*layers, 64, seed=0, max_shift=0))
    assert images.shape == (64, 3, 32, 32)
    assert images.min() >= 0
    assert images.max() <= 1
    for image, name, p, b in zip(images, names, paint, background, strict=True):
        candidates = [
            np.clip(base[:3] + base[3] * p[:, None, None] + base[4] * b[:, None, None], 0, 255)
            for base, index in zip(layers[0].astype(np.float32), layers[1], strict=True)
            if CAR_MODELS[index] == name
        ]
        errors = [
            np.abs(image * 255 - view).max()
            for whole in candidates
            for view in (whole, whole[:, :, ::-1])
        ]
        assert min(errors) < 1e-3


def test_batches_depend_on_their_seed_only(layers):
    first = next(recolored_batches(*layers, 4, seed=1))
    np.testing.assert_array_equal(first[0], next(recolored_batches(*layers, 4, seed=1))[0])
    assert not np.array_equal(first[0], next(recolored_batches(*layers, 4, seed=2))[0])


def test_learning_rate_warms_up_and_decays():
    from demo_assets.train_clip import Settings, learning_rate

    settings = Settings(steps=1000)
    rates = [learning_rate(settings, step) for step in range(settings.steps)]
    assert rates[0] == pytest.approx(settings.learning_rate / settings.warmup_steps)
    assert max(rates) == pytest.approx(settings.learning_rate)
    assert np.argmax(rates) in (settings.warmup_steps - 1, settings.warmup_steps)
    assert rates[-1] == pytest.approx(settings.final_learning_rate, rel=0.01)


def test_contrastive_loss_of_known_cases():
    import torch

    from demo_assets.train_clip import contrastive_loss

    eye = torch.eye(4)
    assert contrastive_loss(eye, eye, torch.tensor(0.0)).item() == pytest.approx(math.log(4))
    assert contrastive_loss(eye, eye, torch.tensor(100.0)).item() == pytest.approx(0, abs=1e-6)
    swapped = eye[[1, 0, 3, 2]]
    assert contrastive_loss(eye, swapped, torch.tensor(100.0)).item() == pytest.approx(100)


def test_a_trained_checkpoint_is_loaded_by_the_benchmark(layers, tmp_path, monkeypatch):
    from demo_assets import train_clip
    from demo_assets.train_clip import Settings, save_checkpoint, train
    from lanzdml.embeddings.embedding import embed_prompts
    from lanzdml.embeddings.loading import load_clip

    np.savez(tmp_path / "layers.npz", layers=layers[0], car_models=layers[1])
    (tmp_path / "mini.json").write_text(json.dumps(CONFIG))
    logged = []
    monkeypatch.setattr(train_clip, "LOG_EVERY", 4)
    settings = Settings(steps=8, batch_size=8, warmup_steps=2)
    model, rows, _ = train(CONFIG, tmp_path / "layers.npz", settings, "cpu", logged.append)
    save_checkpoint(tmp_path / "mini.safetensors", model, rows)
    assert [row[0] for row in logged] == [4, 8]

    clip = load_clip(str(tmp_path / "mini.json"), str(tmp_path / "mini.safetensors"), "cpu")
    table = clip.model.token_embedding.weight
    assert table.shape == (49408, 32)
    assert table.any(dim=1).sum() == len(rows)
    assert (tmp_path / "mini.safetensors").stat().st_size < table.numel()
    assert np.isfinite(embed_prompts(clip, ["a red car", "a photo of a honda fit"])).all()
