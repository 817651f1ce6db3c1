"""Code of others: in what comes with a model, and in the folder that a run is started in.

Each attack leaves a mark where it gets through.
"""

import json
import math
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import textwrap
from getpass import getuser
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from lanzdml.embeddings import models
from lanzdml.embeddings.checkpoints import load_checkpoint
from lanzdml.embeddings.loading import load_clip
from lanzdml.embeddings.model_config import check_config, read_config
from lanzdml.embeddings.models import CONFIG_FILE, WEIGHTS_FILE, read_architecture, read_fetched
from lanzdml.embeddings.other_packages import import_text_models
from lanzdml.embeddings.storage import WEIGHTS
from lanzdml.errors import LanzdmlError
from tests import tiny_tokenizers
from tests.attacks.bounded import GIB, attack
from tests.tiny_clip import CONFIG, publish
from tests.workflow_runs import run_workflow

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "resources" / "demo_clip"
DEMO_WEIGHTS = DEMO / "demo-S.safetensors"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return publish(tmp_path_factory.mktemp("published") / "clip.json")


@pytest.fixture
def folder(published, tmp_path):
    """A model as open_clip publishes them."""
    return shutil.copytree(published, tmp_path / "model", ignore=shutil.ignore_patterns("*.bin"))


def edited(folder, section, **values):
    """Change a section of a published model's config, ``text_cfg`` or "" for what is above it."""
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text())
    model = config["model_cfg"]
    (model[section] if section else model).update(values)
    path.write_text(json.dumps(config))
    return config


def as_json(folder, config):
    path = folder.with_name("model.json")
    path.write_text(json.dumps(config["model_cfg"]))
    return path


@pytest.fixture
def asked(monkeypatch):
    """What transformers is asked for; told to trust, it runs the Python beside the tokenizer."""
    asked = []

    class AutoTokenizer:
        @staticmethod
        def from_pretrained(name, **options):
            asked.append((str(name), options))
            if options.get("trust_remote_code", True):  # by default it asks the user
                exec((Path(name) / "tokenizer.py").read_text())

    stub = ModuleType("transformers")
    stub.AutoTokenizer = AutoTokenizer
    monkeypatch.setitem(sys.modules, "transformers", stub)
    return asked


@pytest.mark.parametrize("kind", ["folder", "json", "hub"])
def test_python_beside_a_tokenizer_does_not_run(kind, folder, asked, tmp_path):
    mark = tmp_path / "ran"
    (folder / "tokenizer.py").write_text(f"open({str(mark)!r}, 'w')")
    config = edited(
        folder,
        "text_cfg",
        hf_tokenizer_name=str(folder) if kind == "json" else "evil/model",
        tokenizer_kwargs={"trust_remote_code": True},
    )
    use = {
        "folder": lambda: load_clip(f"local-dir:{folder}", device="cpu"),
        "json": lambda: load_clip(str(as_json(folder, config)), str(folder / WEIGHTS_FILE), "cpu"),
        "hub": lambda: read_fetched("evil/model", folder),
    }[kind]
    with pytest.raises(LanzdmlError, match=r"\.json: .*text_cfg\.(tokenizer_kwargs\.trust|hf_tok)"):
        use()
    assert not asked
    assert not mark.exists()


def test_a_tokenizer_of_a_folder_is_its_own_and_runs_nothing(folder, asked, tmp_path):
    """Nor does the user get asked whether it may, as transformers does unless told."""
    mark = tmp_path / "ran"
    (folder / "tokenizer.py").write_text(f"open({str(mark)!r}, 'w')")
    (folder / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": "tokenizer.T"}}')
    edited(
        folder, "text_cfg", hf_tokenizer_name="timm/ViT", tokenizer_kwargs={"clean": "canonicalize"}
    )
    load_clip(f"local-dir:{folder}", device="cpu")
    ((name, options),) = asked
    assert name == str(folder)
    assert options["trust_remote_code"] is False
    assert not mark.exists()


@pytest.mark.parametrize("known", [True, False])
def test_transformers_itself_runs_nothing_and_asks_nobody(known, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("the user is asked"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("it asks the network"))
    mark = tmp_path / "ran"
    tiny_tokenizers.bert(folder)
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w')\nclass T: pass")
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text()) | {"auto_map": {"AutoTokenizer": ["evil.T", "evil.T"]}}
    path.write_text(json.dumps(config if known else config | {"tokenizer_class": "T"}))
    (folder / "config.json").write_text('{"auto_map": {"AutoConfig": "evil.T"}}')
    edited(folder, "text_cfg", hf_tokenizer_name="evil/model")
    if known:
        clip = load_clip(f"local-dir:{folder}", device="cpu")
        assert clip.tokenizer(["a red car"])[0, :5].tolist() == [2, 5, 6, 8, 3]
    else:
        with pytest.raises(LanzdmlError, match=r"its tokenizer cannot be had: .* custom code"):
            load_clip(f"local-dir:{folder}", device="cpu")
    import_text_models()
    from open_clip.hf_model import HFTextEncoder

    with pytest.raises(ValueError, match="custom code"):
        HFTextEncoder(str(folder), 8, pretrained=False)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tokenizer_config.json", {"vocab_file": "/etc/passwd"}),
        ("tokenizer_config.json", {"fast_tokenizer_files": ["tokenizer.1.json"]}),
        ("tokenizer_config.json", {"init_inputs": ["/etc/passwd"]}),
        ("tokenizer_config.json", {"sp_model_kwargs": {"model_file": "/etc/passwd"}}),
        ("special_tokens_map.json", {"spm_file": "/etc/passwd"}),
    ],
)
def test_a_tokenizer_of_a_folder_names_no_files(file, content, folder):
    edited(folder, "text_cfg", hf_tokenizer_name="timm/ViT")
    (folder / file).write_text(json.dumps(content))
    with pytest.raises(LanzdmlError, match=rf"{file}: '\w+' names files; .* delete it"):
        read_architecture(f"local-dir:{folder}")
    (folder / file).write_text(
        '{"special_tokens_map_file": "/elsewhere/a.json", "vocab_file": null}'
    )
    assert read_architecture(f"local-dir:{folder}")


def test_a_tokenizer_of_a_folder_has_bounds(folder):
    edited(folder, "text_cfg", hf_tokenizer_name="timm/ViT")
    deep(folder / "tokenizer_config.json")
    with pytest.raises(LanzdmlError, match=r"tokenizer_config\.json (is no JSON|has more)"):
        read_architecture(f"local-dir:{folder}")
    (folder / "tokenizer_config.json").unlink()
    large(folder / "tokenizer.json")
    with pytest.raises(LanzdmlError, match=r"tokenizer\.json is larger than any tokenizer's"):
        read_architecture(f"local-dir:{folder}")


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("vision_cfg", {"timm_model_name": "hf-hub:evil/model"}),
        ("vision_cfg", {"timm_model_name": "local-dir:/tmp/model"}),
        ("vision_cfg", {"timm_model_name": "hf_hub:evil/model@main"}),
        ("text_cfg", {"hf_model_name": "evil/model"}),
        ("text_cfg", {"hf_model_name": "xlm-roberta-base"}),
        ("text_cfg", {"hf_model_name": "/tmp/model"}),
        ("text_cfg", {"tokenizer_kwargs": {"bpe_path": "/dev/zero"}}),
        ("text_cfg", {"tokenizer_kwargs": {"cache_dir": "/tmp/model"}}),
        ("text_cfg", {"tokenizer_kwargs": {"tokenizer_file": "/etc/passwd"}}),
        ("multimodal_cfg", {"hf_model_name": "evil/model"}),
        ("", {"cast_dtype": "float32"}),
    ],
)
def test_a_config_of_others_fetches_and_opens_nothing(section, values, folder, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("it asks the network"))
    if section == "multimodal_cfg":
        edited(folder, "", multimodal_cfg={})
    config = edited(folder, section, **values)
    (key,) = values
    for model in ([f"local-dir:{folder}"], [str(as_json(folder, config)), str(DEMO_WEIGHTS)]):
        with pytest.raises(LanzdmlError, match=key) as caught:
            load_clip(*model, device="cpu")
        assert "\n" not in str(caught.value)


def test_a_repository_of_the_hub_fetches_its_owners_and_what_open_clip_does(folder):
    for name in ("microsoft/bert", "xlm-roberta-base", "timm/ViT-B-16-SigLIP"):
        edited(folder, "text_cfg", hf_model_name=name, hf_tokenizer_name=name)
        assert read_fetched("microsoft/clip", folder)["embed_dim"] == CONFIG["embed_dim"]
    edited(folder, "text_cfg", hf_tokenizer_name="evil/model")
    with pytest.raises(LanzdmlError, match="asks the hub for evil/model"):
        read_fetched("microsoft/clip", folder)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("text_cfg", "layers", 10**8),
        ("text_cfg", "layers", True),
        ("text_cfg", "width", 10**9),
        ("text_cfg", "width", -512),
        ("text_cfg", "width", "512"),
        ("text_cfg", "heads", 0),
        ("text_cfg", "vocab_size", 10**9),
        ("text_cfg", "context_length", 10**7),
        ("text_cfg", "mlp_ratio", float("nan")),
        ("text_cfg", "mlp_ratio", 1e300),
        ("text_cfg", "act_kwargs", []),
        ("vision_cfg", "image_size", 10**6),
        ("vision_cfg", "image_size", [32, 10**6]),
        ("vision_cfg", "layers", [1, 1, 1, 10**8]),
        ("vision_cfg", "layers", [1] * 10**4),
        ("vision_cfg", "patch_size", 0),
        ("vision_cfg", "attn_pooler_queries", 10**9),
        ("", "embed_dim", 10**9),
        ("", "embed_dim", None),
        ("", "embed_dim", 512.0),
        ("", "init_logit_scale", float("inf")),
        ("", "vision_cfg", None),
    ],
)
def test_sizes_without_bounds_are_seen_when_planning(section, key, value, folder):
    edited(folder, section, **{key: value})
    with pytest.raises(LanzdmlError, match=rf"config\.json: .*{key}.* must ") as caught:
        read_architecture(f"local-dir:{folder}")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("key", "value"),
    [("mean", [0, 0, float("nan")]), ("std", [0, 0, 0]), ("size", 10**6), ("menn", [0, 0, 0])],
)
def test_preprocessing_has_bounds(key, value, folder):
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text())
    config["preprocess_cfg"][key] = value
    path.write_text(json.dumps(config))
    with pytest.raises(LanzdmlError, match=rf"config\.json: '?preprocess_cfg\.{key}"):
        read_architecture(f"local-dir:{folder}")


def test_all_of_open_clips_own_configs_pass():
    for path in models.open_clip_models().values():
        check_config(path, read_config(path))


def deep(path):
    path.write_text('{"embed_dim": ' + "[" * 10**6)


def large(path):
    with open(path, "wb") as file:
        file.truncate(GIB)


@pytest.mark.parametrize("kind", ["folder", "json"])
@pytest.mark.parametrize(
    "made",
    [deep, large, lambda path: path.symlink_to("/dev/zero")],
    ids=["deep", "large", "device"],
)
def test_a_config_that_does_not_end_is_one_line(made, kind, folder, tmp_path):
    path = folder / CONFIG_FILE if kind == "folder" else tmp_path / "endless.json"
    path.unlink(missing_ok=True)
    made(path)
    outcome = attack(read_architecture, f"local-dir:{folder}" if kind == "folder" else str(path))
    assert path.name in outcome.error
    assert "\n" not in outcome.error


@pytest.fixture
def alarm():
    """Who opens a pipe waits for good."""

    def end(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(5)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_a_pipe_is_no_config(folder, tmp_path):
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    (folder / CONFIG_FILE).unlink()
    os.mkfifo(folder / CONFIG_FILE)
    for model in (f"local-dir:{folder}", str(pipe)):
        with pytest.raises(LanzdmlError, match="is a pipe or a device"):
            read_architecture(model)


@pytest.mark.usefixtures("alarm")
def test_a_pipe_beside_a_config_is_passed_over(folder):
    os.mkfifo(folder / "merges.txt")
    assert read_architecture(f"local-dir:{folder}")


def errors_within(gib, tried):
    """What is said of models, with so much memory beside that of their packages.

    Args:
        tried: functions of :func:`load_clip`'s arguments are made here, as torch makes some.
    """
    import open_clip  # noqa: F401

    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + int(gib * GIB), most))
    errors = []
    for model in tried:
        with pytest.raises(LanzdmlError) as caught:
            load_clip(*model, device="cpu")
        errors.append(str(caught.value))
    return errors


def safetensors(path, sizes, holes=False, **tensors):
    """A file whose header says what it likes; what it holds is a hole.

    Args:
        sizes: bytes that are there of each tensor.
    """
    header, end = {}, 0
    for (name, shape), size in zip(tensors.items(), sizes, strict=True):
        kind = "I32" if name.endswith("rows") else "F32"
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + (0 if holes else end))


ROWS, TABLE = "token_embedding.rows", "token_embedding.weight"
HOSTILE = {
    "header without end": lambda path: path.write_bytes(struct.pack("<Q", 2**62) + b"{}" * 99),
    "deep header": lambda path: path.write_bytes(struct.pack("<Q", 10**6) + b'{"a":' * 200_000),
    "nothing": lambda path: safetensors(path, []),
    "behind the end": lambda path: safetensors(path, [2**42], holes=True, a=[2**40]),
    "sparse": lambda path: safetensors(path, [2**40], a=[2**38]),
    "another size": lambda path: safetensors(path, [4], a=[2**40]),
    "empty": lambda path: safetensors(path, [0, 0], a=[0, 2**40], b=[0]),
}


def few_rows_of(config, path):
    """Weights of a model but for its table of tokens, of which there is one row."""
    import open_clip
    import torch

    config = {key: value for key, value in config.items() if key != "quick_gelu"}
    with torch.device("meta"):
        state = open_clip.model.CLIP(**config).state_dict()
    shapes = {name: list(tensor.shape) for name, tensor in state.items()}
    shapes |= {ROWS: [1], TABLE: [1, config["text_cfg"]["width"]]}
    safetensors(path, [4 * math.prod(shape) for shape in shapes.values()], **shapes)


@pytest.mark.slow
def test_weights_that_are_not_those_of_their_model_take_no_memory(folder):
    config = json.loads((folder / CONFIG_FILE).read_text())["model_cfg"]
    tried = []
    for name, made in HOSTILE.items():
        one = folder.with_name(name)
        one.mkdir()
        shutil.copy(folder / CONFIG_FILE, one)
        made(one / WEIGHTS_FILE)
        tried += [
            [f"local-dir:{one}"],
            [str(as_json(folder, {"model_cfg": config})), str(one / WEIGHTS_FILE)],
        ]
    outcome = attack(errors_within, 1, tried, gib=30, cpu_seconds=60)
    assert len(outcome.value) == len(tried)
    assert not [error for error in outcome.value if "\n" in error]


@pytest.mark.slow
def test_a_model_much_larger_than_its_weights_takes_no_memory(folder):
    weights = folder / WEIGHTS_FILE
    config = edited(folder, "text_cfg", layers=256, width=8192)
    tried = [[f"local-dir:{folder}"], [str(as_json(folder, config)), str(weights)]]
    table = folder.with_name("table.json")
    small = json.loads(json.dumps(CONFIG))
    small["text_cfg"] |= {"vocab_size": 4_000_000, "width": 512}
    table.write_text(json.dumps(small))
    few_rows_of(small, table.with_suffix(".safetensors"))
    tried.append([str(table), str(table.with_suffix(".safetensors"))])
    outcome = attack(errors_within, 1, tried, gib=30, cpu_seconds=60)
    for error in outcome.value:
        assert "does not fit its architecture: it holds" in error


def test_rows_wider_than_the_table_of_tokens_take_no_memory(tmp_path):
    import torch

    model = torch.nn.ModuleDict({"token_embedding": torch.nn.Embedding(49_408, 4)})
    path = tmp_path / "wide.safetensors"
    safetensors(path, [0, 0], **{ROWS: [0], TABLE: [0, 10**12]})
    with pytest.raises(LanzdmlError, match="size mismatch for token_embedding"):
        load_checkpoint(model, path)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library whose loading leaves a mark, and where the mark is."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no compiler")
    folder = tmp_path_factory.mktemp("library")
    mark, source = folder / "loaded", folder / "mark.c"
    source.write_text(
        "#include <stdio.h>\n__attribute__((constructor)) static void mark(void)"
        f'{{ FILE *file = fopen("{mark}", "w"); if (file) fclose(file); }}'
    )
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "mark.so", source], check=True)
    return folder / "mark.so", mark


def plant(folder, library):
    """What libraries look for in the folder that a process runs in."""
    path, mark = library
    mark.unlink(missing_ok=True)
    shutil.copy(path, folder / "libcuda.so.1")
    for level in ("x86-64-v2", "x86-64-v3"):
        (folder / "glibc-hwcaps" / level).mkdir(parents=True)
        shutil.copy(path, folder / "glibc-hwcaps" / level / "libcuda.so.1")
    (folder / "matplotlibrc").write_text("text.usetex: True\ntext.latex.preamble: \\\\input{x}\n")
    (folder / "bin").mkdir()
    latex = folder / "bin" / "latex"
    latex.write_text(f"#!/bin/sh\ntouch {folder}/latex-ran\n")
    latex.chmod(0o755)
    (folder / "tmp").mkdir()
    (folder / "tmp" / f"torchinductor_{getuser()}").touch()


def run_job(folder, main):
    """A job as Snakemake starts one; ``main`` is the source of its function of this name."""
    script = f"""
import sys
from types import SimpleNamespace
sys.path.append({str(ROOT / "workflow_scripts")!r})
from job import run
{textwrap.dedent(main)}
run(main, SimpleNamespace(log=["job.log"], threads=1, output=[]))
"""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PATH": path, "MATPLOTLIBRC": str(folder), "TMPDIR": str(folder / "tmp")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_library_beside_a_configuration_is_not_loaded_by_torch(library, tmp_path):
    plant(tmp_path, library)
    run_job(
        tmp_path,
        """
        def main(job):
            import torch
            torch.cuda.is_available()
            assert open("matplotlibrc").read(), "files are those of the working folder again"
        """,
    )
    assert not library[1].exists()


@pytest.mark.slow
def test_a_cache_that_somebody_else_made_stops_no_job(library, tmp_path, monkeypatch):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    plant(tmp_path, library)
    run_job(
        tmp_path,
        """
        def main(job):
            import torchvision
        """,
    )
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == [f"torchinductor_{getuser()}"]


def test_nor_where_fits_import_it_side_by_side(library, tmp_path):
    plant(tmp_path, library)
    run_job(
        tmp_path,
        f"""
        def main(job):
            from pathlib import Path
            import numpy as np
            import pandas as pd
            from lanzdml.embeddings.storage import write_embeddings
            from lanzdml.transforms.fitting import FitTask, fit_transforms

            prompts = pd.DataFrame({{"prompt": list("abcd"), "aspect": list("abcd")}})
            vectors = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
            write_embeddings(Path("p.parquet"), prompts, vectors, {{"{WEIGHTS}": "w"}})
            tasks = [
                FitTask(f"{{seed}}.safetensors", "indirect", 2, seed, "v", prompts="p.parquet")
                for seed in range(2)
            ]
            fit_transforms(tasks, kept=Path("kept"), n_threads=2)
            assert Path("1.safetensors").exists()
        """,
    )
    assert not library[1].exists()


def test_a_matplotlibrc_beside_a_configuration_runs_no_latex(library, tmp_path):
    plant(tmp_path, library)
    run_job(
        tmp_path,
        """
        def main(job):
            from lanzdml.figures.style import new_figure, write_figure
            import matplotlib
            assert not matplotlib.rcParams["text.usetex"]
            figure = new_figure(2, 1)
            figure.add_subplot(title="a label")
            write_figure(figure, ["a.png"])
            figure.savefig("b.png")
        """,
    )
    assert (tmp_path / "b.png").exists()
    assert not (tmp_path / "latex-ran").exists()


def test_modules_beside_a_jobs_script_are_not_imported(library, tmp_path):
    plant(tmp_path, library)
    scripts = tmp_path / ".snakemake" / "scripts"
    scripts.mkdir(parents=True)
    for name in ("pathlib", "pickle", "job", "lanzdml", "numpy", "torch", "sitecustomize"):
        (scripts / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n1 / 0\n")
    config = yaml.safe_load((ROOT / "tests" / "configs" / "small.yaml").read_text())
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    model, dataset = next(iter(config["models"])), next(iter(config["datasets"]))
    notion = next(iter(config["datasets"][dataset]["notions"]))
    prompts = f"results/embeddings/{dataset}/{model}/prompts/{notion}.parquet"
    code, output = run_workflow(
        tmp_path, ["--snakefile", ROOT / "Snakefile", "--cores", "1", prompts]
    )
    assert code == 0, output
    assert not (tmp_path / "imported").exists()
    assert not library[1].exists()


@pytest.mark.parametrize("option", ["--snakefile={}", "-s{}"])
def test_the_profile_takes_the_library_of_the_workflow_that_runs(option, tmp_path):
    (tmp_path / "lanzdml").mkdir()
    (tmp_path / "lanzdml" / "__init__.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')")
    (tmp_path / "Snakefile").touch()
    code, output = run_workflow(
        tmp_path, [option.format(ROOT / "Snakefile"), "--cores", "1", "--configfile", "none.yaml"]
    )
    assert code, output
    assert "Error: there is no file none.yaml" in output
    assert not (tmp_path / "mark").exists()


class Boom:
    """A pickle that runs a command."""

    def __init__(self, mark):
        self._mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self._mark}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_behind_a_tag_runs_nothing(zipped, tmp_path, monkeypatch):
    """As where the account that publishes open_clip's weights is taken over."""
    import open_clip
    import torch

    path, mark = tmp_path / "weights.pt", tmp_path / "ran"
    torch.save({"weight": Boom(mark)}, path, _use_new_zipfile_serialization=zipped)
    monkeypatch.setattr(open_clip.factory, "download_pretrained", lambda *_, **__: str(path))
    small = {"ViT-B-32-quickgelu": CONFIG | {"quick_gelu": True}}
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", small)
    with pytest.raises(LanzdmlError, match="cannot be had: Weights only load failed"):
        load_clip("ViT-B-32-quickgelu", "openai", "cpu")
    assert not mark.exists()
