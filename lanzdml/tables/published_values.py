"""Values that papers print: a CSV a paper, all in one shape, which is checked here.

``resources/README.md`` says what the columns hold.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from lanzdml.datasets.csv_file import is_csv, read_csv
from lanzdml.errors import LanzdmlError, suggest
from lanzdml.metrics.protocols import PROTOCOLS, QUERY_GALLERY
from lanzdml.names import METHOD_NAMES, METRIC_NAMES, shortened

# Of a checkout, as the prompt lists: the library alone knows no published values.
FOLDER = Path(__file__).parents[2] / "resources" / "published"
NEEDED = (
    "paper", "dataset", "notion", "model", "method", "metric", "value", "unit", "protocol"
)  # fmt: skip
OPTIONAL = ("source", "dim", "std", "setting", "comparable", "note")
KEY = (
    "paper", "source", "dataset", "notion", "model", "method", "dim", "metric", "protocol"
)  # fmt: skip
"""The columns of which no two values have the same."""
UNITS = {"percent": 100.0, "fraction": 1.0}
"""What a fraction is multiplied by."""
LEAVE_ONE_OUT = "leave_one_out"
KINDS = (LEAVE_ONE_OUT, QUERY_GALLERY)
"""The protocols of papers that runs here can be compared with; any other text is a protocol that
they cannot."""
COMPARABLE = ("true", "released", "false")
_BELOW_ZERO = ("ami", "ari", "silhouette")  # the metrics that can be
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_COUNT = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_MOST_FAULTS = 20
_LONGEST = 80


def kind_of(protocol: str) -> str:
    """The one of :data:`KINDS` that a protocol of runs is of."""
    return QUERY_GALLERY if PROTOCOLS[protocol].split else LEAVE_ONE_OUT


def published_files(given: Sequence[str] = ()) -> list[Path]:
    """Files of published values: those of this checkout, and others.

    Args:
        given: files, or folders of which all CSV files count.

    Returns:
        each file once. An installed library has none of its own.

    Raises:
        LanzdmlError: there is no such file or folder, or it has no CSV files.
    """
    files = _in_folder(FOLDER) if FOLDER.is_dir() else []
    for place in map(Path, given):
        found = _in_folder(place) if place.is_dir() else [place]
        if not found:
            raise LanzdmlError(f"{place} has no files .csv or .tsv")
        for path in found:
            if not is_csv(path):
                raise LanzdmlError(f"{path}: should be a file .csv or .tsv, or a folder of them")
            if not path.exists():
                raise LanzdmlError(f"there is no {path}")
        files += found
    return list({os.path.realpath(path): path for path in files}.values())


def _in_folder(folder: Path) -> list[Path]:
    try:
        return [path for path in sorted(folder.iterdir()) if is_csv(path)]
    except OSError as error:
        raise LanzdmlError(f"{folder} cannot be listed: {error.strerror}") from None


def read_published(files: Sequence[Path] | None = None) -> pd.DataFrame:
    """Published values as they are printed, in the order of the files and of their rows.

    Args:
        files: of :func:`published_files`, whose own there are unless given.

    Returns:
        all of :data:`NEEDED` and :data:`OPTIONAL`. ``value`` and ``std`` are in ``unit``, ``std``
        and ``dim`` NaN where the paper has none; texts that are not given are empty. A method has
        its name here where it is one of ours. ``protocol`` is one of :data:`KINDS`, or in the
        paper's words. ``comparable`` is ``true``; ``released`` for what was made with another
        notion's labels, as the protocol of that name makes it; or ``false`` for what cannot have
        been meant to be printed.

    Raises:
        LanzdmlError: a file cannot be read, or a cell holds what cannot be right; with a line for
            each, which names file, line and column.
    """
    files = published_files() if files is None else files
    columns = [*NEEDED, *OPTIONAL]
    tables = [_read(path) for path in files]
    rows = pd.concat([pd.DataFrame(columns=["place", *columns], dtype="str"), *tables])
    rows = rows.reset_index(drop=True)
    faults = [*_faults(rows)]
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS:,} more"] if len(faults) > _MOST_FAULTS else []
        raise LanzdmlError(*faults[:_MOST_FAULTS], *more)
    for name in ("value", "std", "dim"):
        rows[name] = pd.to_numeric(rows[name].replace("", None)).astype("float64")
    rows["comparable"] = rows["comparable"].replace("", "true")
    return rows[columns]


def _read(path: Path) -> pd.DataFrame:
    """A file's cells as strings, with the place of each row."""
    table = read_csv(path, "paper")
    names = list(table.columns)
    for name in names:
        if name not in (*NEEDED, *OPTIONAL):
            raise LanzdmlError(f"{path}: column {name!r}: {suggest(name, (*NEEDED, *OPTIONAL))}")
        if names.count(name) > 1:
            raise LanzdmlError(f"{path}: column {name!r} is there twice")
    if missing := [name for name in NEEDED if name not in names]:
        raise LanzdmlError(f"{path}: has no column {missing[0]!r}; needed: {', '.join(NEEDED)}")
    if table.empty:
        raise LanzdmlError(f"{path}: has no values")
    rows = table.reindex(columns=[*NEEDED, *OPTIONAL]).astype("object")
    rows = rows.where(rows.notna(), "").astype("str")
    return rows.assign(place=[f"{path}, line {line}" for line in table.index])


def _faults(rows: pd.DataFrame) -> Iterator[str]:
    """What is wrong with cells, in the order of the rows."""
    for row in rows.to_dict("records"):
        for column, words in _faults_of(row):
            yield f"{row['place']}, {column} {shortened(row[column], _LONGEST)!r}: {words}"
    for _, same in rows[rows.duplicated(list(KEY), keep=False)].groupby(list(KEY), sort=False):
        first, second, *_ = same["place"]
        yield f"{second}: is the same value as {first}; leave one of them out"


def _faults_of(row: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The columns of a row with a fault, and what should be there."""
    for name in NEEDED:
        if not row[name]:
            yield name, f"should not be empty{'; write - where there is none' * (name == 'model')}"
            return
    if row["metric"] not in METRIC_NAMES:
        yield "metric", suggest(row["metric"], METRIC_NAMES)
    if (ours := _meant(row["method"])) is not None:
        yield (
            "method",
            (
                f"should be {ours} where it is that method, and else another name, as tables call "
                f"{ours} so"
            ),
        )
    if row["unit"] not in UNITS:
        yield "unit", suggest(row["unit"], UNITS)
    for name in ("value", "std"):
        if row[name] and not _NUMBER.fullmatch(row[name]):
            yield name, "should be a number such as 43.0"
        elif row[name] and abs(float(row[name])) > UNITS.get(row["unit"], 100.0):
            yield name, f"should be {UNITS.get(row['unit'], 100.0):.0f} at most, as its unit says"
    if (
        row["metric"] in METRIC_NAMES
        and row["metric"] not in _BELOW_ZERO
        and row["value"].startswith("-")
    ):
        yield "value", f"should not be negative, as {METRIC_NAMES[row['metric']]} cannot be"
    if row["std"].startswith("-"):
        yield "std", "should not be negative"
    if row["dim"] and not _COUNT.fullmatch(row["dim"]):
        yield "dim", "should be a number of dimensions, or empty where the paper has none"
    if row["protocol"] not in KINDS and (
        row["protocol"] in PROTOCOLS or _squeezed(row["protocol"]) in map(_squeezed, KINDS)
    ):
        yield "protocol", f"should be {' or '.join(KINDS)}, or a protocol in the paper's words"
    if row["comparable"] not in ("", *COMPARABLE):
        yield "comparable", f"should be {', '.join(COMPARABLE)} or empty, which is true"


def _meant(method: str) -> str | None:
    """The method of ours that another name would be taken for; None of what is no such name."""
    if method in METHOD_NAMES:
        return None
    called = {
        _squeezed(name): ours for ours, printed in METHOD_NAMES.items() for name in (ours, printed)
    }
    return called.get(_squeezed(method))


def _squeezed(text: str) -> str:
    return re.sub(r"[\s_.-]+", "", text).casefold()
