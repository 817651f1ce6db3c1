"""Runs over their seeds: one entry for what several folders have alike, several for what differs.

Nothing is averaged over folders. What has the same name but other values, seeds, prompts, labels or
weights stands apart, and each says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from lanzdml.files import digest
from lanzdml.metrics.clusters import OF_KMEANS
from lanzdml.metrics.runs import ALL_COLUMNS, AUTO_DIM, DIGESTS, KMEANS_BATCH_SIZE, RUN, TRAITS
from lanzdml.names import METRIC_NAMES
from lanzdml.sharing.site.source import Source
from lanzdml.significance.statistics import DECIMALS
from lanzdml.tables.paper import NO_DIM

_COST = {"fit_seconds", "iterations", "loss"}  # what the machine has its part in, and no score
_OF_SEED = {"seed", "dim", "status", "reason", "n_queries", "tied_queries", *_COST}
_DIGEST_NAMES = dict(zip(DIGESTS, ("labels", "prompts", "weights"), strict=True))
_NAMED_BY = ["dataset", "notion", "model", "protocol", "method", "size", "n_prompts"]


@dataclass(frozen=True)
class Value:
    """A metric over the seeds that have it: population std (ddof 0), as in the tables."""

    mean: float
    std: float
    n_seeds: int
    has_spread: bool
    """Whether another seed could give another value."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A run over its seeds.

    Attributes:
        told: what its rows have in common: columns of ``metrics.parquet``, and ``size``, r' or
            :data:`lanzdml.tables.paper.NO_DIM` or :data:`lanzdml.metrics.runs.AUTO_DIM`.
        all_prompts: whether its method was given all prompts of its notion.
        board_weights: digest of the weights that it is compared by; of vectors made elsewhere
            those of the model that they stand beside.
        seeds: its rows, by seed.
        sources: the folders that have it, with these values; the first one's are shown.
        differs: what another entry of the same name has otherwise, in sentences.
    """

    told: dict[str, Any]
    all_prompts: bool
    board_weights: str
    seeds: pd.DataFrame
    sources: tuple[Source, ...]
    differs: tuple[str, ...] = field(default=())

    @cached_property
    def id(self) -> str:
        """Hex digits of all that two folders must have alike to have the same entry."""
        scores = self.seeds.drop(columns=[*_COST]).dropna(axis="columns", how="all")
        # As ranks and tests take them: what rounds otherwise on another machine is no other value.
        rows = scores.round(DECIMALS).to_json(orient="split", double_precision=DECIMALS)
        return digest(sorted(self.told.items()), rows)[:16]

    def value(self, metric: str) -> Value | None:
        """A metric over the seeds; None where no seed has it."""
        return self._values.get(metric)

    @cached_property
    def _values(self) -> dict[str, Value]:
        metrics = [name for name in METRIC_NAMES if name in self.seeds]
        scores = self.seeds[metrics]
        means, stds, counts = scores.mean(), scores.std(ddof=0), scores.count()
        return {
            name: Value(
                float(means[name]),
                float(stds[name]),
                n_seeds,
                n_seeds > 1 and (not self.told["deterministic"] or name in OF_KMEANS),
            )
            for name in metrics
            if (n_seeds := int(counts[name]))
        }


def read_entries(sources: Sequence[Source]) -> list[Entry]:
    """The runs of several folders, in the order of the folders and of their rows."""
    entries: dict[str, Entry] = {}
    for source in sources:
        for entry in _entries_of(source):
            same = entries.get(entry.id)
            together = (*same.sources, source) if same else (source,)
            entries[entry.id] = replace(same or entry, sources=together)
    return _told_apart(list(entries.values()))


def _entries_of(source: Source) -> Iterator[Entry]:
    runs = source.runs
    # Numbers alone would drop rows without one.
    chosen, reduced = runs["dim_auto"].fillna(False), runs["has_dim"].fillna(False)
    size = runs["dim"].where(reduced, NO_DIM).mask(chosen & reduced, AUTO_DIM)
    runs = runs.assign(size=size)
    of_notion = ["dataset", "notion", "prompts_sha256"]
    most = runs.groupby(of_notion, dropna=False)["n_prompts"].transform("max")
    runs["all_prompts"] = (runs["n_prompts"].isna() | (runs["n_prompts"] == most)).fillna(True)
    external = runs["external"].fillna(False).astype("bool")
    ours = runs[~external].drop_duplicates("model").set_index("model")["weights_sha256"]
    by_model = runs["model"].map(ours)
    weights = runs["weights_sha256"].mask(external, by_model.fillna(runs["weights_sha256"]))
    runs["board_weights"] = weights.astype("string").fillna("")
    common = [name for name in ALL_COLUMNS if name in runs and name not in _OF_SEED]
    scores = {*source.metrics, *(name for name in runs if name.startswith(("chance_", "macro_")))}
    common = [name for name in common if name not in scores]
    for _, rows in runs.groupby(_NAMED_BY, sort=False, dropna=False):
        first = rows.iloc[0]
        told = {name: plain_cell(first[name]) for name in (*common, "size")}
        seeds = rows.sort_values("seed").reset_index(drop=True)
        seeds = seeds[[name for name in ALL_COLUMNS if name in _OF_SEED | scores and name in seeds]]
        yield Entry(told, bool(first["all_prompts"]), str(first["board_weights"]), seeds, (source,))


def plain_cell(value: Any) -> Any:
    """A cell as Python has it; None where it is missing."""
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _told_apart(entries: list[Entry]) -> list[Entry]:
    """Entries, each with what others of its name have otherwise."""
    by_name: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        by_name.setdefault(tuple(entry.told[name] for name in _NAMED_BY), []).append(entry)
    return [
        replace(
            entry,
            differs=tuple(
                _difference(entry, other)
                for other in by_name[tuple(entry.told[name] for name in _NAMED_BY)]
                if other is not entry
            ),
        )
        for entry in entries
    ]


def _difference(entry: Entry, other: Entry) -> str:
    """What tells two entries of one name apart, in a sentence."""
    where = " and ".join(source.name for source in other.sources)
    named = [
        _DIGEST_NAMES[name] for name in DIGESTS if entry.told.get(name) != other.told.get(name)
    ]
    if named:
        return f"made with other {' and '.join(named)} than the row of this name from {where}"
    if entry.told.get(KMEANS_BATCH_SIZE) != other.told.get(KMEANS_BATCH_SIZE):
        return f"clustered in other batches than the row of this name from {where}"
    ours, theirs = (each.seeds.set_index("seed") for each in (entry, other))
    for seed in ours.index.intersection(theirs.index):
        for metric in (name for name in METRIC_NAMES if name in ours and name in theirs):
            a, b = (_printed(frame.loc[seed, metric]) for frame in (ours, theirs))
            if a != b:
                return (
                    f"contradicts {where}: {METRIC_NAMES[metric]} of seed {seed} is {a} here and "
                    f"{b} there"
                )
    if list(ours.index) != list(theirs.index):
        return f"has other seeds than the row of this name from {where}"
    unlike = [
        name
        for name in (*RUN, *TRAITS, "source", "against", "n_images", "n_classes")
        if entry.told.get(name) != other.told.get(name)
    ]
    return f"differs from {where}" + (f" in {unlike[0]}" if unlike else "")


def _printed(value: float) -> str:
    return "missing" if pd.isna(value) else str(round(float(value), DECIMALS))
