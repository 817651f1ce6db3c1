"""What a task asks for, as it can be compared with that of another folder's plan."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from lanzdml.experiments.task import MeasureTask
from lanzdml.methods import METHODS
from lanzdml.metrics.task import ScoreTask
from lanzdml.sharing.names import Source
from lanzdml.transforms.fitting import FitTask


def asked(
    task: FitTask | ScoreTask | MeasureTask, results: str, source: Source | None = None
) -> dict[str, Any]:
    """All that decides what a task gives, but for the code.

    That of a score goes without its seeds, as rows of several can be put together.

    Args:
        task: of a plan.
        results: the folder of that plan.
        source: the folder, where its names are others than the result's.
    """
    prefix = f"{results}/"

    def plain(value: Any) -> Any:
        if isinstance(value, str) and value.startswith(prefix):
            below = value.removeprefix(prefix)
            return below if source is None else source.new(below)
        if is_dataclass(value) and not isinstance(value, type):
            return plain(asdict(value))
        if isinstance(value, Mapping):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        return value

    told: dict[str, Any] = plain(vars(task))
    if source is not None and "run" in told:
        for key, names in (("dataset", source.datasets), ("model", source.models)):
            told["run"][key] = names[told["run"][key]]
    if isinstance(task, ScoreTask):
        del told["seeds"], told["siblings"]
        if task.external:  # the vectors of the first seed stand for the images
            del told["images"]
    if isinstance(task, MeasureTask):
        told["settings"] = {
            key: _chosen(value, task.run["method"]) for key, value in told["settings"].items()
        }
    return told


def _chosen(value: Any, method: str) -> Any:
    """Of a list of methods whether this one is in it: others change nothing of what it gives."""
    is_of_methods = isinstance(value, list) and all(name in METHODS for name in value)
    return method in value if is_of_methods else value
