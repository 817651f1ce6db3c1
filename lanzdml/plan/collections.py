"""Collections: which run's transform is applied to each, and how."""

from typing import Any

from lanzdml.config.config import Config
from lanzdml.plan.runs import Fit, Run


def collection_runs(config: Config, protocol: str) -> dict[str, Run]:
    """The run of each collection, whose transform is applied to it as its images are scored."""
    return {
        name: Run(protocol, Fit(of.dataset, model, of.notion, of.method, of.dim, seed=of.seed))
        for name, of in config.collections.items()
        for model in of.models_used(config)
    }


def apply_settings(config: Config, name: str, protocol: str, fit: Fit) -> dict[str, Any]:
    """How a collection's vectors are read and handed to its transform.

    Args:
        config: what names it.
        name: of the collection.
        protocol: by which images are handed over.
        fit: what is applied.

    Returns:
        Arguments of :func:`lanzdml.collections.applying.apply_transform`.
    """
    source = config.collections[name].vectors
    return {
        "protocol": protocol,
        "facts": {"protocol": protocol, "fit": str(fit.path)},
        "column": source.column,
        "id_column": source.id,
    }
