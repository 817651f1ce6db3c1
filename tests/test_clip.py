"""Loading CLIP models: the compact demo checkpoints, and what is wrong with others."""

import json
import logging
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from lanzdml.embeddings.checkpoints import TOKEN_ROWS, TOKEN_TABLE, expand_token_table, sha256
from lanzdml.embeddings.loading import load_clip
from lanzdml.embeddings.models import CONFIG_FILE, WEIGHTS_FILE, model_files, read_architecture
from lanzdml.embeddings.published import published_preprocessing
from lanzdml.errors import LanzdmlError
from tests import tiny_tokenizers
from tests.tiny_clip import COMMIT, CONFIG, cache_repository, embedded, publish

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
    from safetensors.numpy import load_file

    path = DEMO / f"demo-{size}.json"
    caplog.clear()
    clip = load_clip(str(path), str(path.with_suffix(".safetensors")), "cpu")
    assert not caplog.records, "a user must not read that the model is random"
    logging.getLogger().warning("seen")
    assert caplog.messages == ["seen"]
    assert clip.description["architecture"] == f"demo-{size}"
    assert clip.description["embed_dim"] == "512"
    stored = load_file(path.with_suffix(".safetensors"))["logit_scale"]
    assert float(clip.description["logit_scale"]) == pytest.approx(np.exp(stored), rel=1e-6)
    assert len(clip.description["weights_sha256"]) == 64
    assert "size=64" in clip.description["preprocessing"]


def test_a_model_is_used_in_full_float32_and_leaves_the_process_as_it_was(monkeypatch):
    """Its loading, too: what others in the process do is not ours to set."""
    import torch

    def settings():
        return (
            torch.backends.cudnn.allow_tf32,
            torch.get_float32_matmul_precision(),
            torch.backends.mha.get_fastpath_enabled(),
            torch.nn.functional.linear,
            logging.root.manager.disable,
        )

    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    logging.disable(logging.DEBUG)
    try:
        before = settings()
        path = DEMO / "demo-S.json"
        clip = load_clip(str(path), str(path.with_suffix(".safetensors")), "cpu")
        assert settings() == before
        seen = []
        for name in ("encode_image", "encode_text"):
            encode = getattr(clip.model, name)
            monkeypatch.setattr(
                clip.model,
                name,
                lambda *given, encode=encode, **named: (
                    seen.append(settings()) or encode(*given, **named)
                ),
            )
        embedded(clip)
        assert seen == [(False, *before[1:])] * 2
        assert settings() == before
    finally:
        logging.disable(logging.NOTSET)


def test_warnings_of_other_threads_are_not_lost(monkeypatch, caplog):
    import open_clip

    create = open_clip.create_model_and_transforms

    def beside(*given, **named):
        other = Thread(target=logging.getLogger().warning, args=("of another thread",))
        other.start()
        other.join()
        return create(*given, **named)

    monkeypatch.setattr(open_clip, "create_model_and_transforms", beside)
    path = DEMO / "demo-S.json"
    load_clip(str(path), str(path.with_suffix(".safetensors")), "cpu")
    assert set(caplog.messages) == {"of another thread"}


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


def test_a_model_config_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text((DEMO / "demo-M.json").read_text(), encoding="utf-8-sig")
    assert read_architecture(str(path)) == read_architecture(str(DEMO / "demo-M.json"))


def test_a_checkpoint_of_another_architecture_is_refused():
    with pytest.raises(LanzdmlError, match=r"demo-S\.safetensors does not fit its architecture"):
        load_clip(str(DEMO / "demo-M.json"), str(DEMO / "demo-S.safetensors"), "cpu")


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes((DEMO / "demo-S.safetensors").read_bytes()[:5000])
    with pytest.raises(LanzdmlError, match=r"cut\.safetensors cannot be read"):
        load_clip(str(DEMO / "demo-S.json"), str(path), "cpu")


def test_a_file_for_a_name_is_preprocessed_as_what_is_published_of_it():
    """In what all tags of an architecture agree in; else as open_clip does."""
    siglip = published_preprocessing("ViT-B-16-SigLIP2")
    assert siglip["image_mean"] == siglip["image_std"] == (0.5, 0.5, 0.5)
    assert siglip["image_resize_mode"] == "squash"
    assert published_preprocessing("MobileCLIP-S1")["image_interpolation"] == "bilinear"
    assert "image_resize_mode" not in published_preprocessing("ViT-H-14"), "that of DFN differs"
    assert published_preprocessing("ViT-S-16") == published_preprocessing("own-1") == {}


def test_weights_for_another_activation_are_refused():
    with pytest.raises(LanzdmlError, match=r"architecture for these weights is ViT-B-32-quickgelu"):
        load_clip("ViT-B-32", "openai", "cpu")


def test_weights_without_a_fitting_architecture_are_sent_to_the_hub():
    with pytest.raises(LanzdmlError, match=r"these weights is hf-hub:laion/CLIP-ViT-B-32-roberta"):
        load_clip("roberta-ViT-B-32", "laion2b_s12b_b32k", "cpu")


def saved(path, embed_dim):
    """A model config and the weights of a random model of it; the path of the weights."""
    import torch
    from open_clip.model import CLIP
    from safetensors.torch import save_file

    path.parent.mkdir(exist_ok=True)
    config = CONFIG | {"embed_dim": embed_dim}
    path.write_text(json.dumps(config))
    torch.manual_seed(embed_dim)
    weights = path.with_name("w.safetensors")
    save_file(CLIP(**config).state_dict(), weights)
    return weights


@pytest.mark.parametrize(
    "file",
    [
        "ViT-B-32.json", "vit-b-32.json", "ViT-B-32.JSON", "ViT-B-32.txt", "ViT-B-32",
        "my.clip v2.json", "hf-hub:a.json", "my-siglip.json",
    ],
)  # fmt: skip
def test_a_config_of_the_users_is_what_is_built_whatever_it_is_called(file, tmp_path):
    import open_clip

    before = open_clip.get_model_config("ViT-B-32")
    loaded = []
    for folder, embed_dim in (("a", 8), ("b", 12), ("a", 8)):
        path = tmp_path / folder / file
        weights = saved(path, embed_dim)
        clip = load_clip(str(path), str(weights), "cpu")
        assert clip.description["embed_dim"] == str(embed_dim)
        assert clip.description["architecture"] == path.stem
        assert clip.tokenizer(["a red car"]).shape == (1, CONFIG["text_cfg"]["context_length"])
        loaded.append(embedded(clip))
    assert [values.shape[-1] for values in loaded] == [8, 12, 8]
    np.testing.assert_array_equal(loaded[0], loaded[2])
    assert open_clip.get_model_config("ViT-B-32") == before, "open_clip's own stays what it is"


def test_a_config_with_a_misspelt_key_is_called_as_its_file(tmp_path):
    weights = saved(tmp_path / "mine.json", 8)
    path = tmp_path / "mine.json"
    path.write_text(path.read_text().replace("patch_size", "patch_sise"))
    with pytest.raises(LanzdmlError, match=r"mine\.json: 'vision_cfg\.patch_sise' is no key"):
        load_clip(str(path), str(weights), "cpu")


def test_a_config_that_cannot_be_built_is_called_as_its_file(tmp_path):
    weights = saved(tmp_path / "mine.json", 8)
    path = tmp_path / "mine.json"
    path.write_text(path.read_text().replace('"heads": 2', '"heads": 3'))
    with pytest.raises(LanzdmlError, match=r"^mine cannot be built: .*divisible"):
        load_clip(str(path), str(weights), "cpu")


def test_openais_spelling_is_no_path_of_a_config():
    with pytest.raises(LanzdmlError, match="there is no readable file 'ViT-B/32'; did you mean"):
        load_clip("ViT-B/32", "openai", "cpu")


def test_unknown_weights_are_named():
    with pytest.raises(LanzdmlError, match=r"has no weights 'opennai'; did you mean 'openai'"):
        load_clip("ViT-B-32-quickgelu", "opennai", "cpu")


def test_a_missing_checkpoint_is_named():
    with pytest.raises(LanzdmlError, match=r"no file gone\.safetensors"):
        load_clip(str(DEMO / "demo-S.json"), "gone.safetensors", "cpu")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder as open_clip publishes models; its model config is beside it."""
    return publish(tmp_path_factory.mktemp("published") / "published-clip.json")


def edited(folder, change):
    """Change the config of a published model."""
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


@pytest.fixture
def copy(published, tmp_path):
    return shutil.copytree(published, tmp_path / "copy")


def test_a_published_folder_is_the_model_of_its_config_and_weights(published, caplog):
    weights = published / WEIGHTS_FILE
    by_files = load_clip(str(published.with_suffix(".json")), str(weights), "cpu")
    caplog.clear()
    clip = load_clip(f"local-dir:{published}", device="cpu")
    assert not caplog.records
    np.testing.assert_array_equal(embedded(clip), embedded(by_files))
    assert clip.description["architecture"] == f"local-dir:{published}"
    assert clip.description["pretrained"] == ""
    assert clip.description["weights_sha256"] == sha256(weights)


def test_preprocessing_and_activation_are_those_of_the_folder(published, copy):
    def change(config):
        config["model_cfg"]["quick_gelu"] = False
        config["preprocess_cfg"] |= {
            "mean": [0.5] * 3,
            "interpolation": "bilinear",
            "resize_mode": "squash",
        }

    edited(copy, change)
    clip = load_clip(f"local-dir:{copy}", device="cpu")
    for part in ("mean=[0.5, 0.5, 0.5]", "interpolation=bilinear", "size=(32, 32)"):
        assert part in clip.description["preprocessing"]
    other = load_clip(f"local-dir:{published}", device="cpu")
    assert not np.allclose(embedded(clip)[0], embedded(other)[0])


def test_the_files_of_a_model_are_known(copy):
    (copy / "tokenizer.json").touch()
    (copy / "README.md").touch()
    names = [path.name for path in model_files(f"local-dir:{copy}", None)]
    assert names == [CONFIG_FILE, WEIGHTS_FILE, "tokenizer.json"]
    assert model_files("mine.json", "w.safetensors") == [Path("mine.json"), Path("w.safetensors")]
    assert model_files("ViT-B-32", "some/w.safetensors") == [Path("some/w.safetensors")]
    assert model_files("ViT-B-32", "openai") == model_files("hf-hub:org/name", None) == []


def test_a_folder_brings_its_own_tokenizer(copy):
    tiny_tokenizers.bert(copy)
    edited(copy, lambda config: config["model_cfg"]["text_cfg"].update(hf_tokenizer_name="x/y"))
    clip = load_clip(f"local-dir:{copy}", device="cpu")
    assert clip.tokenizer(["a red car"])[0, :6].tolist() == [2, 5, 6, 8, 3, 0]
    assert np.isfinite(embedded(clip)).all()


def test_pickles_are_not_loaded(copy):
    (copy / WEIGHTS_FILE).unlink()
    assert (copy / "open_clip_pytorch_model.bin").is_file()
    with pytest.raises(LanzdmlError, match=rf"copy holds no {WEIGHTS_FILE}: only .* safetensors"):
        load_clip(f"local-dir:{copy}", device="cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["model_cfg"].update(embed_dim=25), "copy cannot be loaded: .* size mismatch"),
        (
            lambda c: c["model_cfg"]["text_cfg"].update(wdth=64),
            r"config.json: 'text_cfg\.wdth' is no key",
        ),
        (
            lambda c: c["model_cfg"]["text_cfg"].update(hf_tokenizer_name="x/y"),
            "copy: its tokenizer cannot be had",
        ),
    ],
)
def test_a_folder_that_cannot_be_loaded_is_one_line(copy, change, message):
    edited(copy, change)
    with pytest.raises(LanzdmlError, match=message) as caught:
        load_clip(f"local-dir:{copy}", device="cpu")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 800


def test_the_hub_is_loaded_from_its_cache_and_what_is_not_there_is_one_line(published, tmp_path):
    cache_repository(tmp_path, "org/name", published)
    script = textwrap.dedent("""
        import json
        from lanzdml.embeddings.loading import load_clip
        from lanzdml.errors import LanzdmlError
        from lanzdml.embeddings.models import read_architecture
        from tests.tiny_clip import embedded

        architecture = "hf-hub:org/name"
        assert read_architecture(architecture)["embed_dim"] == 24
        assert read_architecture("hf-hub:org/gone") is None
        clip = load_clip(architecture, device="cpu")
        print(json.dumps([clip.description, embedded(clip).tolist()]))
        for missing in (("hf-hub:org/gone", None), ("ViT-B-32-quickgelu", "openai")):
            try:
                load_clip(*missing, "cpu")
            except LanzdmlError as error:
                print(error)
    """)
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", script], env=offline, capture_output=True, text=True, check=True,
        cwd=DEMO.parents[1],
    )  # fmt: skip
    cached, *errors = result.stdout.splitlines()
    description, embeddings = json.loads(cached)
    assert description["architecture"] == "hf-hub:org/name"
    assert description["revision"] == COMMIT
    folder = load_clip(f"local-dir:{published}", device="cpu")
    assert description["weights_sha256"] == folder.description["weights_sha256"]
    np.testing.assert_array_equal(np.float32(embeddings), embedded(folder))
    repository, tag = errors
    assert repository.startswith(f"hf-hub:org/gone: {CONFIG_FILE} cannot be had: ")
    assert "local-dir:" in repository
    assert tag.startswith("ViT-B-32-quickgelu: the weights 'openai' cannot be had: ")
    assert "Run once where the hub can be reached" in tag


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ImportError("cannot import name 'a' from 'hub.errors'", name="hub.errors"), "-U hub"),
        (ModuleNotFoundError("No module named 'hub.errors'", name="hub.errors"), "-U hub"),
        (ModuleNotFoundError("No module named 'hub'", name="hub"), "hub"),
    ],
)
def test_a_package_that_does_not_fit_is_no_failed_download(monkeypatch, error, advice):
    import open_clip

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(open_clip, "create_model_and_transforms", fail)
    with pytest.raises(LanzdmlError) as caught:
        load_clip("ViT-B-32-quickgelu", "openai", "cpu")
    assert str(caught.value) == (
        f"ViT-B-32-quickgelu: the weights 'openai' cannot be had: {error}: pip install {advice}"
    )


def test_another_hub_package_is_one_line(monkeypatch):
    monkeypatch.delattr("huggingface_hub.errors.RemoteEntryNotFoundError")
    with pytest.raises(
        LanzdmlError, match=r"org/name cannot be had: .*pip install -U hugg"
    ) as caught:
        load_clip("hf-hub:org/name", device="cpu")
    assert "Run once where the hub" not in str(caught.value)
