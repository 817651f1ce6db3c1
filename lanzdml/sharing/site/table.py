"""The ranking as rows of text and numbers: for the page, its script, and the files to download."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from lanzdml.methods import method_on_paper
from lanzdml.metrics.runs import AUTO_DIM, DIGESTS, KMEANS_BATCH_SIZE, PER_QUERY
from lanzdml.names import (
    DATASET_NAMES,
    METRIC_NAMES,
    NOTION_NAMES,
    PROTOCOL_NAMES,
    on_paper,
    shortened,
)
from lanzdml.report.places import in_text
from lanzdml.report.run_table import as_script_text
from lanzdml.sharing.site.boards import Place, Rank
from lanzdml.sharing.site.entries import Entry
from lanzdml.tables.markup import DASH, LONGEST
from lanzdml.tables.paper import NO_DIM

FILTERS = {
    "dataset": "Dataset",
    "notion": "Notion",
    "model": "Model",
    "protocol": "Protocol",
    "size": "r′",
    "method": "Method",
    "source": "From",
}
_NAMES: dict[str, dict[str, str]] = {
    "dataset": DATASET_NAMES, "notion": NOTION_NAMES, "protocol": PROTOCOL_NAMES,
}  # fmt: skip


@dataclass(frozen=True)
class Score:
    """A metric of a row as it is shown; ``mean`` in percent, to sort by."""

    mean: float | None
    text: str
    rank: Rank | None

    @property
    def rank_text(self) -> str:
        """Without decimals that say nothing."""
        return f"{self.rank.rank:g}" if self.rank else ""

    @property
    def interval_text(self) -> str:
        """The ranks from low to high."""
        if self.rank is None or self.rank.low is None:
            return ""
        low, high = self.rank.low, self.rank.high
        return f"{low}" if low == high else f"{low}–{high}"


@dataclass(frozen=True)
class Row:
    """A place on a board as the table shows it.

    Attributes:
        place: what it is made of.
        texts: by the names of :data:`FILTERS`.
        prompts, seeds: how many, as text.
        scores: by metric.
        warning: what another folder has otherwise; empty if nothing.
        note: what else has to be known; empty if nothing.
    """

    place: Place
    texts: Mapping[str, str]
    prompts: str
    seeds: str
    scores: Mapping[str, Score]
    warning: str
    note: str

    @property
    def entry(self) -> Entry:
        """The run over its seeds."""
        return self.place.entry


def table_rows(places: Sequence[Place], metrics: Sequence[str]) -> list[Row]:
    """The rows in the order of the places."""
    return [_row(place, metrics) for place in places]


def board_names(rows: Sequence[Row]) -> list[str]:
    """What each board is of; the start of a checksum tells those apart that are called alike."""
    first = {row.place.board: row for row in rows}
    names = {number: _board_name(row) for number, row in sorted(first.items())}
    often = Counter(names.values())
    return [
        name if often[name] == 1 else f"{name}, {_checksums(first[number].entry)}"
        for number, name in names.items()
    ]


def _checksums(entry: Entry) -> str:
    return f"labels {str(entry.told['labels_sha256'])[:8]}, weights {entry.board_weights[:8]}"


def _board_name(row: Row) -> str:
    texts = row.texts
    size = "" if row.place.size == NO_DIM else f", r′ {texts['size']}"
    prompts = "" if row.entry.all_prompts else f", {row.prompts} prompts"
    protocol = "" if texts["protocol"] == "paper" else f", {texts['protocol']}"
    batch = row.entry.told.get(KMEANS_BATCH_SIZE)
    batches = "" if batch is None else f", k-means in batches of {batch:,}"
    name = f"{texts['dataset']}: {texts['notion']}, {texts['model']}"
    return f"{name}{size}{prompts}{protocol}{batches}"


def name_on_paper(column: str, name: str) -> str:
    """A dataset, notion, protocol, method or model as the page prints it."""
    if column == "method":
        return shortened(method_on_paper(name), LONGEST)
    return shortened(on_paper(name, _NAMES.get(column, {})), LONGEST)


def _row(place: Place, metrics: Sequence[str]) -> Row:
    entry = place.entry
    texts = {
        name: name_on_paper(name, str(entry.told[name]))
        for name in ("dataset", "notion", "model", "protocol", "method")
    }
    texts["protocol"] = texts["protocol"].removesuffix(" protocol")
    texts["size"] = {NO_DIM: DASH, AUTO_DIM: "auto"}.get(place.size, str(place.size))
    texts["source"] = ", ".join(source.name for source in entry.sources)
    has_value = entry.value(metrics[0])
    n_seeds, n_runs = has_value.n_seeds if has_value else 0, len(entry.seeds)
    return Row(
        place,
        texts,
        DASH if entry.told["n_prompts"] is None else str(entry.told["n_prompts"]),
        str(n_runs) if n_seeds == n_runs else f"{n_seeds} of {n_runs}",
        {metric: _score(place, metric) for metric in metrics},
        _sentences(entry.differs),
        _sentences(_notes(place, n_seeds)),
    )


def _score(place: Place, metric: str) -> Score:
    value = place.entry.value(metric)
    if value is None:
        return Score(None, DASH, None)
    text = f"{100 * value.mean + 0.0:.1f}"
    if value.has_spread:
        text += f" ± {100 * value.std:.1f}"
    return Score(100 * value.mean, text, place.ranks.get(metric))


def _notes(place: Place, n_seeds: int) -> Iterator[str]:
    entry = place.entry
    told, dims = entry.told, sorted({int(dim) for dim in entry.seeds["dim"]})
    sizes = " and ".join(map(str, dims[:3]))
    if told["supervised"]:
        yield "sees labels, and is not ranked"
    if told["size"] == NO_DIM and place.size != NO_DIM:
        yield f"has no r′, but {sizes} dimensions"
    if told["size"] == AUTO_DIM:
        yield f"r′ is {sizes}, as the prompts say"
    if not entry.all_prompts:
        yield f"was given {told['n_prompts']} prompts, drawn by the seed"
    if told["source"] is not None:
        made = "vectors made elsewhere" if told["external"] else "a method of others"
        yield f"{made}: {told_text(told['source'])}"
    reasons = entry.seeds["reason"].dropna()
    if len(reasons):
        what = "not made" if not n_seeds else "the first of the seeds without a value"
        yield f"{what}: {told_text(reasons.iloc[0])}"


def told_text(text: object) -> str:
    """Somebody's own words as the page shows them: in one line, cut, and without places."""
    return in_text(shortened(on_paper(str(text), {}), LONGEST))


def _sentences(parts: "Iterator[str] | Sequence[str]") -> str:
    """Each with a capital and a full stop."""
    return " ".join(
        f"{part[:1].upper()}{part[1:]}{'' if part.endswith('.') else '.'}" for part in parts
    )


def script_data(rows: Sequence[Row], metrics: Sequence[str]) -> Markup:
    """The rows for the page's script.

    A text that is there often is held once: rows have its number.
    """
    texts: dict[str, dict[str, int]] = {
        name: {} for name in (*FILTERS, "prompts", "seeds", "warning", "note")
    }

    def number(name: str, text: str) -> int:
        return texts[name].setdefault(text, len(texts[name]))

    data, sources = [], {}
    for row in rows:
        sources[row.texts["source"]] = [source.name for source in row.entry.sources]
        shown = {
            **row.texts, "prompts": row.prompts, "seeds": row.seeds, "warning": row.warning,
            "note": row.note,
        }  # fmt: skip
        scores: list[Any] = []
        for score in row.scores.values():
            rank = score.rank
            mean = None if score.mean is None else round(score.mean, 6)
            ranks = [rank.rank, rank.n, rank.low, rank.high] if rank else []
            scores.append([mean, score.text, *ranks])
        numbers = (number(name, shown[name]) for name in texts)
        data.append([row.entry.id, row.place.board, *numbers, *scores])
    return as_script_text({
        "metrics": [[name, METRIC_NAMES[name], name in PER_QUERY] for name in metrics],
        "texts": {name: list(values) for name, values in texts.items()},
        "sources": [sources[text] for text in texts["source"]],
        "boards": board_names(rows),
        "rows": data,
    })  # fmt: skip


def frame(rows: Sequence[Row], metrics: Sequence[str]) -> pd.DataFrame:
    """The rows with the names of files and columns, scores as fractions, for other programs."""
    return pd.DataFrame([_record(row, metrics) for row in rows]).astype({
        **dict.fromkeys(("ranking", "dim", "n_prompts", "n_seeds", "n_runs"), "Int64"),
        **{f"{name}_{end}": "Int64" for name in metrics for end in _rank_columns(name)[1:]},
    })  # fmt: skip


def _rank_columns(metric: str) -> tuple[str, ...]:
    return (
        ("rank", "ranked", "rank_low", "rank_high") if metric in PER_QUERY else ("rank", "ranked")
    )


def _record(row: Row, metrics: Sequence[str]) -> dict[str, Any]:
    entry, told = row.entry, row.entry.told
    value = entry.value(metrics[0])
    record = {
        "id": entry.id,
        "ranking": row.place.board,
        **{name: told[name] for name in ("dataset", "notion", "model", "protocol", "method")},
        "dim": None if row.place.size == NO_DIM else row.place.size,
        "n_prompts": told["n_prompts"],
        "supervised": told["supervised"],
        "n_seeds": value.n_seeds if value else 0,
        "n_runs": len(entry.seeds),
    }
    for metric in metrics:
        found, rank = entry.value(metric), row.place.ranks.get(metric)
        record[metric] = found.mean if found else None
        record[f"{metric}_std"] = found.std if found else None
        ranks = (rank.rank, rank.n, rank.low, rank.high) if rank else (None,) * 4
        record |= {
            f"{metric}_{name}": part
            for name, part in zip(_rank_columns(metric), ranks, strict=False)
        }
    sources = "; ".join(source.name for source in entry.sources)
    return record | {
        **{name: told[name] for name in DIGESTS},
        "sources": sources, "warning": row.warning, "note": row.note,
    }  # fmt: skip
