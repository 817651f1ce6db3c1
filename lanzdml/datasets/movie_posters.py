"""movie_posters: Chu and Guo's movie posters with metadata of IMDb (paper appendix 2.5)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from lanzdml.datasets import csv_file, raw
from lanzdml.datasets.images import problem_of
from lanzdml.datasets.inside import check
from lanzdml.datasets.manifest import EXCLUDED, ID, PATH
from lanzdml.errors import LanzdmlError
from lanzdml.limits import limits

POSTERS = "Movie_Poster_Dataset"
METADATA = "groundtruth"
ARCHIVES = ("Movie_Poster_Dataset.zip", "Movie_Poster_Metadata.zip")
_RECORDS, _IMAGES = "*.[tT][xX][tT]", "*.[jJ][pP][gG]"
FILES = (f"{METADATA}/{_RECORDS}", *ARCHIVES)
IMAGES = (f"{POSTERS}/**/{_IMAGES}",)  # no list names those that there are
PUBLISHED = raw.Published(
    total=8_873,
    unit="records",
    images=8_052,
    classes={"genre": 25, "production_country": 69},
)
_FIELDS = {"genre": "Genre", "production_country": "Country"}
_GENRES = "genres"
# MongoDB's shell prints identifiers as a call. A quote inside a string is escaped, so this matches
# no text of a record.
_OBJECT_ID = re.compile(r'\bObjectId\(\s*("[^"\\]*")\s*\)')
_DECODER = json.JSONDecoder(strict=False)  # plots hold raw line breaks
_LONGEST = 2**17  # letters of a record; the published ones have some thousands
_GAP = re.compile(r"[\s,\ufeff]*")  # with byte order marks of files that were joined


def read_manifest(root: Path) -> pd.DataFrame:
    """The manifest of the posters that have a record and can be decoded, by IMDb's id.

    Labels are the first of a record's genres and countries, as in the paper; ``genres`` are all of
    them, of which an image can have several. What is left out follows with its
    reason in the column ``excluded``: records without an id, duplicates, and missing and unreadable
    posters, and posters without a record.

    Args:
        root: the folder with ``Movie_Poster_Dataset/<year>/<imdbID>.jpg`` and
            ``groundtruth/<year>.txt`` (or ``Movie_Poster_Metadata/groundtruth/``), or with their
            archives.

    Raises:
        LanzdmlError: a folder is missing, or a metadata file holds something else than records.
    """
    posters = _find_posters(root)
    records = list(_read_records(_metadata_folder(root)))
    rows, genres, seen = [], [], set()
    for year, position, record in records:
        image_id = _text(record, "imdbID")
        candidates = posters.get(image_id or "", {})
        path = candidates.get(year) or next(iter(candidates.values()), None)
        reason = None
        if image_id is None:
            reason = f"no imdbID: record {position} of {year}.txt"
        elif image_id in seen:
            reason = f"duplicate: record {position} of {year}.txt"
        elif path is None:
            reason = "no poster"
        elif problem := problem_of(root / path):
            reason = f"unreadable poster: {problem}"
        seen.add(image_id)
        rows.append({ID: image_id, PATH: path, **_labels(record), EXCLUDED: reason})
        genres.append(_values(record, "Genre"))
    rows += [
        {ID: image_id, PATH: path, EXCLUDED: "no record"}
        for image_id, paths in posters.items()
        if image_id not in seen
        for path in paths.values()
    ]
    manifest = pd.DataFrame(rows, columns=[ID, PATH, *_FIELDS, EXCLUDED], dtype="str")
    genres += [None] * (len(rows) - len(genres))
    manifest[_GENRES] = raw.column_of_values(genres)
    manifest = manifest.sort_values(ID, kind="stable", ignore_index=True)
    # Which posters can be read depends on who reads them: a difference is no sign of wrong data.
    raw.check_published("movie_posters", len(records), manifest, PUBLISHED, strict=False)
    return manifest


def _labels(record: dict[str, Any]) -> dict[str, str | None]:
    values = {notion: _text(record, field) or "" for notion, field in _FIELDS.items()}
    return {notion: value.split(",")[0].strip() or None for notion, value in values.items()}


def _values(record: dict[str, Any], field: str) -> tuple[str, ...] | None:
    values = {value.strip() for value in (_text(record, field) or "").split(",")}
    return tuple(sorted(values - {""})) or None


def _text(record: dict[str, Any], field: str) -> str | None:
    value = record.get(field)
    return value.strip() or None if isinstance(value, str) else None


def _find_posters(root: Path) -> dict[str, dict[str, str]]:
    """IMDb's id to year to path; a poster can be there under more than one year."""
    folder = raw.require("movie_posters", root, POSTERS, ARCHIVES[:1]) / POSTERS
    posters: dict[str, dict[str, str]] = {}
    for path in sorted(folder.rglob(_IMAGES)):
        if not path.name.startswith("."):  # what macOS leaves beside files
            check(path)
            years = posters.setdefault(path.stem, {})
            years[path.parent.name] = path.relative_to(root).as_posix()
    if not posters:
        raise LanzdmlError(
            f"movie_posters: there is no <year>/<imdbID>.jpg in {folder}; {raw.LAYOUTS} shows the "
            "layout"
        )
    return posters


def _metadata_folder(root: Path) -> Path:
    return raw.require("movie_posters", root, METADATA, ARCHIVES[1:]) / METADATA


def _read_records(folder: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Year, position in its file counted from 1, and content of every record.

    Raises:
        LanzdmlError: there is no file, or one holds nothing, or something else, with its line.
    """
    paths = [path for path in sorted(folder.glob(_RECORDS)) if not path.name.startswith(".")]
    if not paths:
        raise LanzdmlError(
            f"movie_posters: there is no <year>.txt in {folder}; {raw.LAYOUTS} shows the layout"
        )
    for path in paths:
        text = _OBJECT_ID.sub(r"\1", raw.decode(raw.read_file(path)))
        start, position = _skip_gap(text, 0), 0
        if start == len(text):
            raise LanzdmlError(f"{path} is empty: get it again; {raw.LAYOUTS} says where")
        while start < len(text):
            position += 1
            if position > limits().table_rows:
                raise csv_file.has_more(path, limits().table_rows, "records", "table_rows")
            try:
                # What is parsed takes many times as much memory as its text.
                record, end = _DECODER.raw_decode(text[start : start + _LONGEST])
            except json.JSONDecodeError as error:
                line = text.count("\n", 0, start + error.pos) + 1
                cut = f" (within {_LONGEST:,} letters)" if start + _LONGEST < len(text) else ""
                raise LanzdmlError(f"{path}, line {line}: {error.msg}{cut}") from None
            except (ValueError, RecursionError):  # a number of thousands of digits, or brackets
                record = None
            if not isinstance(record, dict):
                line = text.count("\n", 0, start) + 1
                first, *_ = text[start : start + 40].splitlines()
                raise LanzdmlError(f"{path}, line {line}: {raw.shown(first)} is no record")
            yield path.stem, position, record
            start = _skip_gap(text, start + end)


def _skip_gap(text: str, start: int) -> int:
    gap = _GAP.match(text, start)
    return gap.end() if gap else start
