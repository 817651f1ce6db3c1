"""How the numbers were made: code, versions, embeddings and prompts."""

import platform
import subprocess
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lanzdml.datasets.manifest import FINGERPRINT
from lanzdml.datasets.parquet_file import count_rows, read_result
from lanzdml.embeddings import storage
from lanzdml.sources import ROOT
from lanzdml.transforms.storage import FITTED_WITH, read_metadata

PACKAGES = (
    "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "torch", "torchvision",
    "open_clip_torch", "safetensors", "pillow", "matplotlib", "trimap", "snakemake",
)  # fmt: skip

_FIRST = (
    "given", "architecture", "pretrained", "weights_sha256", "embed_dim", "device", "preprocessing",
)  # fmt: skip


@dataclass(frozen=True)
class Commit:
    """The state of our code: ``hash`` is empty where it is no git repository of its own."""

    hash: str
    dirty: bool


def commit(root: Path = ROOT, without: Collection[str] = ()) -> Commit:
    """The commit of a repository and whether its files differ from it, new ones included.

    Args:
        root: of the repository.
        without: files and folders, relative to it, that may differ.
    """
    try:
        # A copy of our files may lie in somebody else's repository: that one's commit says nothing.
        if Path(_git(root, "rev-parse", "--show-toplevel")).resolve() != root.resolve():
            return Commit("", False)
        others = [f":(exclude){path}" for path in without]
        changes = _git(root, "status", "--porcelain", "--", ".", *others)
        return Commit(_git(root, "rev-parse", "HEAD"), bool(changes))
    except (OSError, subprocess.SubprocessError):
        return Commit("", False)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60)
    return done.stdout.strip()


def versions() -> dict[str, str]:
    """Versions of Python, the system and those of :data:`PACKAGES` that are installed here."""
    installed = {"Python": platform.python_version(), "System": _system()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"


def fitted_with(transforms: Sequence[Path]) -> list[str]:
    """What transforms say of the versions that they were fitted with, in sentences.

    Versions that differ from each other or from those installed here come first, a sentence a
    package: results are then not those of one environment.

    Args:
        transforms: files of :mod:`lanzdml.transforms.storage`. Only their metadata is read.
    """
    stored = [read_metadata(path) for path in transforms]
    here, same, sentences = versions(), [], []
    for package in FITTED_WITH if stored else ():
        counts = Counter(metadata.get(package, "an unknown version") for metadata in stored)
        if list(counts) == [here.get(package)]:
            same.append(f"{package} {here[package]}")
            continue
        told = ", ".join(f"{version} for {n:,}" for version, n in sorted(counts.items()))
        sentences.append(
            f"Not all of one environment: {package} is {here.get(package, 'not installed')} here, "
            f"and of {len(stored):,} transforms it was {told}."
        )
    if same:
        sentences.append(f"All {len(stored):,} transforms were fitted with {', '.join(same)}.")
    return sentences


@dataclass(frozen=True)
class Embedded:
    """A model's embeddings of images: which ones, and what their files say about how."""

    model: str
    images: dict[str, int]
    """Number of images by dataset."""
    facts: dict[str, str]


def embedded(files: Mapping[tuple[str, str], Path]) -> list[Embedded]:
    """What the files of image embeddings say; those that say the same are told together.

    Args:
        files: by dataset and model. Only their metadata is read.
    """
    entries: list[Embedded] = []
    for (dataset, model), path in files.items():
        facts, n_images = storage.read_metadata(path), count_rows(path)
        # The fingerprint tells datasets apart, not ways of embedding. Parquet keeps no order.
        names = [*_FIRST, *sorted(facts.keys() - {*_FIRST, "ARROW:schema", FINGERPRINT})]
        facts = {name: facts[name] for name in names if facts.get(name)}
        same = [entry for entry in entries if (entry.model, entry.facts) == (model, facts)]
        if same:
            same[0].images[dataset] = n_images
        else:
            entries.append(Embedded(model, {dataset: n_images}, facts))
    return entries


def read_prompts(path: Path) -> list[str]:
    """The prompts of a notion, without their embeddings."""
    prompts: list[str] = read_result(path, ["prompt"])["prompt"].to_pylist()
    return prompts
