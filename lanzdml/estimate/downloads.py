"""What a run fetches: archives of datasets, and weights of models."""

from collections.abc import Collection
from dataclasses import dataclass

from lanzdml.datasets.kinds import AnyDataset, Dataset, TorchvisionDataset
from lanzdml.embeddings.models import (
    WEIGHTS_FILE,
    Kind,
    is_path,
    parse_architecture,
    read_architecture,
)
from lanzdml.errors import LanzdmlError
from lanzdml.estimate.models import size_of
from lanzdml.plan import Plan

# About as many bytes as the collections' pages say.
_OF_TORCHVISION = {
    "CIFAR100": 170_000_000,
    "DTD": 600_000_000,
    "FGVCAircraft": 2_800_000_000,
    "Flowers102": 350_000_000,
    "Food101": 5_000_000_000,
    "OxfordIIITPet": 800_000_000,
}
_OF_PARAMETER = 4  # bytes; some weights are published in two


@dataclass(frozen=True)
class Downloads:
    """Bytes of what is to be fetched, by name; None of what nobody knows."""

    sizes: dict[str, int | None]

    @property
    def total(self) -> int:
        """Bytes of what is known."""
        return sum(size or 0 for size in self.sizes.values())

    @property
    def unknown(self) -> list[str]:
        """What is not."""
        return [name for name, size in self.sizes.items() if size is None]


def downloads(plan: Plan, missing: Collection[str]) -> Downloads:
    """What is still to be fetched.

    Args:
        plan: of the configuration.
        missing: files that are not there and will be made.
    """
    sizes: dict[str, int | None] = {}
    for name, settings in plan.config.datasets.items():
        if settings.download and plan.paths.download(name) in missing:
            sizes[f"dataset {name}"] = _archive(settings.source(name))
    embedding = {
        model
        for dataset, model in plan.embedded
        if plan.paths.images(dataset, model) in missing
        and model not in plan.config.datasets[dataset].vectors
    }
    embedding |= {model for _, model, _ in plan.prompts if _of_prompts(plan, model, missing)}
    for model in sorted(embedding):
        config = plan.config.models[model]
        if config.architecture and not _is_here(config.architecture, config.pretrained):
            known = size_of(_config_of(config.architecture))
            size = round(_OF_PARAMETER * known.parameters) if known.is_known else None
            sizes[f"weights of {model}"] = size
    return Downloads(sizes)


def _archive(dataset: AnyDataset) -> int | None:
    if isinstance(dataset, TorchvisionDataset):
        return _OF_TORCHVISION.get(dataset.dataset)
    return dataset.download.n_bytes if isinstance(dataset, Dataset) and dataset.download else None


def _of_prompts(plan: Plan, model: str, missing: Collection[str]) -> bool:
    return any(plan.paths.prompts(*key) in missing for key in plan.prompts if key[1] == model)


def _config_of(architecture: str) -> dict[str, object] | None:
    try:
        return read_architecture(architecture)
    except LanzdmlError:
        return None


def _is_here(architecture: str, pretrained: str | None) -> bool:
    """Whether weights are files of the user's, or a repository's in the hub's cache.

    Where open_clip would keep those that it has a tag for, only open_clip knows, which takes
    seconds to import.
    """
    kind, target = parse_architecture(architecture)
    if kind is Kind.HUB:
        from huggingface_hub import try_to_load_from_cache

        return isinstance(try_to_load_from_cache(target, WEIGHTS_FILE), str)
    return kind is not Kind.NAME or (pretrained is not None and is_path(pretrained))
