"""The files beside the pages: a JSON a row and a source, and all rows as CSV and Parquet."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lanzdml.metrics.runs import DIGESTS
from lanzdml.report.places import in_text, without_places
from lanzdml.sharing.parts import Part
from lanzdml.sharing.site.boards import Place
from lanzdml.sharing.site.entries import Entry, plain_cell
from lanzdml.sharing.site.source import Source, folder_name
from lanzdml.sharing.site.table import Row, frame
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.paper import NO_DIM

_OF_RUN = ("methods", "seeds", "protocol", "metrics", "kmeans_repeats")


def write_downloads(
    folder: Path, sources: Sequence[Source], rows: Sequence[Row], metrics: Sequence[str]
) -> None:
    """Write ``rows/``, ``sources/`` and ``data.{csv,parquet}`` into a new folder."""
    for source in sources:
        _write_json(folder / source_file(source), _source(source))
    by_entry: dict[str, list[Place]] = {}
    for row in rows:
        by_entry.setdefault(row.entry.id, []).append(row.place)
    for places in by_entry.values():
        _write_json(folder / row_file(places[0].entry), _row(places, metrics))
    table = frame(rows, metrics)
    (folder / "data.csv").write_text(to_csv(table), encoding="utf-8")
    table.to_parquet(folder / "data.parquet", index=False)


def row_file(entry: Entry) -> str:
    """The address of a row's file on the site."""
    return f"rows/{entry.id}.json"


def source_file(source: Source) -> str:
    """The address of a source's file on the site."""
    return f"sources/{source.number}.json"


def _row(places: Sequence[Place], metrics: Sequence[str]) -> dict[str, Any]:
    entry = places[0].entry
    told = {name: value for name, value in entry.told.items() if name != "size"}
    return {
        "id": entry.id,
        **{name: in_text(value) if name == "source" and value else value
           for name, value in told.items() if name not in DIGESTS},
        "checksums": {name: told[name] for name in DIGESTS},
        "seeds": [_seed(row) for row in entry.seeds.to_dict("records")],
        "scores": {
            metric: {"mean": value.mean, "std": value.std, "n_seeds": value.n_seeds}
            for metric in metrics
            if (value := entry.value(metric))
        },
        "rankings": [_ranking(place) for place in places],
        "differs": list(entry.differs),
        "sources": [
            {**_told(source), "configuration": _part(source.record.config, entry),
             "all_of_it": source_file(source)}
            for source in entry.sources
        ],
    }  # fmt: skip


def _seed(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: plain_cell(value) for name, value in row.items()}
    if plain["reason"]:
        plain["reason"] = in_text(plain["reason"])
    return plain


def _ranking(place: Place) -> dict[str, Any]:
    ranks = {
        metric: {"rank": rank.rank, "ranked": rank.n, "low": rank.low, "high": rank.high,
                 "not_in_the_interval": list(rank.left_out)}
        for metric, rank in place.ranks.items()
    }  # fmt: skip
    return {"ranking": place.board, "dim": None if place.size == NO_DIM else place.size, **ranks}


def _told(source: Source) -> dict[str, Any]:
    record = source.record
    return {
        "name": source.name, "date": record.date.isoformat(), "commit": record.commit,
        "local_changes": record.dirty, "versions": dict(record.versions),
    }  # fmt: skip


def _source(source: Source) -> dict[str, Any]:
    parts = without_places(_merged_of(source.parts))
    config = without_places(source.record.config)
    return {**_told(source), "merged_of": parts, "configuration": config}


def _merged_of(parts: Sequence[Part]) -> list[dict[str, Any]]:
    return [
        {"name": folder_name(part.folder), "date": part.date.isoformat(), "commit": part.commit,
         "local_changes": part.dirty, "versions": dict(part.versions),
         "datasets": dict(part.datasets), "models": dict(part.models),
         "merged_of": _merged_of(part.parts)}
        for part in parts
    ]  # fmt: skip


def _part(config: Mapping[str, Any], entry: Entry) -> Any:
    """What of a configuration an entry comes of: its notion and that one's parts, and its model."""
    told = entry.told
    part = {name: config[name] for name in _OF_RUN if name in config}
    for section, name in (("datasets", told["dataset"]), ("models", told["model"])):
        entries = config.get(section)
        if isinstance(entries, Mapping) and name in entries:
            part[section] = {name: entries[name]}
    dataset = part.get("datasets", {}).get(told["dataset"])
    notions = dataset.get("notions") if isinstance(dataset, Mapping) else None
    if isinstance(notions, Mapping) and isinstance(notions.get(told["notion"]), Mapping):
        parts = notions[told["notion"]].get("combine")
        wanted = [told["notion"], *(parts if isinstance(parts, list) else ())]
        kept = {name: value for name, value in notions.items() if name in wanted}
        part["datasets"] = {told["dataset"]: {**dataset, "notions": kept}}
    return without_places(part)


def _write_json(path: Path, data: object) -> None:
    path.parent.mkdir(exist_ok=True)
    # What is no number in JSON is no number of a run, either.
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8")
