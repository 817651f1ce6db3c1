"""Loading CLIP models: the compact demo checkpoints, and what is wrong with others."""

import json
import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lanzdml.clip import TOKEN_ROWS, TOKEN_TABLE, expand_token_table, load_clip, read_architecture
from lanzdml.errors import LanzdmlError

DEMO = Path(__file__).parents[1] / "resources" / "demo_clip"


def test_token_table_is_expanded_to_its_rows():
    import torch

    compact = torch.arange(6.0).reshape(3, 2)
    state = {TOKEN_TABLE: compact, TOKEN_ROWS: torch.tensor([1, 4, 6], dtype=torch.int32)}
    full = expand_token_table(state, 8)
    assert set(full) == {TOKEN_TABLE}
    assert full[TOKEN_TABLE].shape == (8, 2)
    assert full[TOKEN_TABLE][[1, 4, 6]].equal(compact)
    assert full[TOKEN_TABLE][[0, 2, 3, 5, 7]].eq(0).all()
    assert TOKEN_ROWS in state, "the given state stays as it is"


@pytest.mark.parametrize("size", ["S", "M", "L"])
def test_demo_models_load_and_say_what_they_are(size, caplog):
    path = DEMO / f"demo-{size}.json"
    caplog.clear()
    clip = load_clip(str(path), str(path.with_suffix(".safetensors")), "cpu")
    assert not caplog.records, "a user must not read that the model is random"
    logging.getLogger().warning("seen")
    assert caplog.messages == ["seen"]
    assert clip.description["architecture"] == f"demo-{size}"
    assert clip.description["embed_dim"] == "512"
    assert len(clip.description["weights_sha256"]) == 64
    assert "size=64" in clip.description["preprocessing"]


def test_sizes_are_trained_alike():
    records = [json.loads((DEMO / f"demo-{size}.training.json").read_text()) for size in "SML"]
    assert len({json.dumps(record["settings"]) for record in records}) == 1
    assert records[0]["settings"]["steps"] >= 2500
    parameters = [record["parameters"] for record in records]
    assert parameters == sorted(parameters)


def test_names_of_open_clip_are_known():
    assert read_architecture("ViT-L-14-quickgelu")["embed_dim"] == 768


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no open_clip model config"),
        ('{"embed_dim": 3}', "vision_cfg"),
        ("[]", "model config"),
    ],
)
def test_bad_architecture_files_are_named(tmp_path, content, message):
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(LanzdmlError, match=message) as caught:
        read_architecture(str(path))
    assert "mine.json" in str(caught.value)


def test_a_checkpoint_of_another_architecture_is_refused():
    with pytest.raises(LanzdmlError, match=r"demo-S\.safetensors does not fit its architecture"):
        load_clip(str(DEMO / "demo-M.json"), str(DEMO / "demo-S.safetensors"), "cpu")


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes((DEMO / "demo-S.safetensors").read_bytes()[:5000])
    with pytest.raises(LanzdmlError, match=r"cut\.safetensors cannot be read"):
        load_clip(str(DEMO / "demo-S.json"), str(path), "cpu")


def test_weights_for_another_activation_are_refused():
    with pytest.raises(LanzdmlError, match=r"architecture for these weights is ViT-B-32-quickgelu"):
        load_clip("ViT-B-32", "openai", "cpu")


def test_unknown_weights_are_named():
    with pytest.raises(LanzdmlError, match=r"has no weights 'opennai'; did you mean 'openai'"):
        load_clip("ViT-B-32-quickgelu", "opennai", "cpu")


def test_weights_that_cannot_be_fetched_are_one_line(tmp_path):
    script = textwrap.dedent("""
        from lanzdml.clip import load_clip
        from lanzdml.errors import LanzdmlError
        try:
            load_clip("ViT-B-32-quickgelu", "openai", "cpu")
        except LanzdmlError as error:
            assert "\\n" not in str(error)
            print(error)
    """)
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", script], env=offline, capture_output=True, text=True, check=True,
        cwd=DEMO.parents[1],
    )  # fmt: skip
    assert result.stdout.startswith("ViT-B-32-quickgelu: the weights 'openai' cannot be had")


def test_a_missing_checkpoint_is_named():
    with pytest.raises(LanzdmlError, match=r"no checkpoint gone\.safetensors"):
        load_clip(str(DEMO / "demo-S.json"), "gone.safetensors", "cpu")
