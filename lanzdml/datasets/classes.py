"""Labels of a dataset with numbered classes: their names, or what a table says of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from lanzdml.datasets import csv_file
from lanzdml.errors import LanzdmlError
from lanzdml.names import shortened

CLASS, NUMBER = "class", "number"  # columns of a table of classes; another is the notion's


def labels_of(
    dataset: str,
    numbers: Sequence[int],
    names: Sequence[str | Sequence[str]] | None,
    notion: str,
    table: str | None,
) -> list[str | None]:
    """(n,) labels of images for a notion, None where an image has none.

    Args:
        dataset: whose classes they are, for messages.
        numbers: (n,) of the images' classes, counted from 0; negative where an image has none.
        names: of the classes, in whose place are blanks for underscores; several of one class are a
            sequence, of which the first is taken. None where they have no names but their numbers.
        notion: its name, which is that of the table's column.
        table: a CSV or TSV with a column ``class`` (the name) or ``number``, and one of the
            notion's label, empty where the images of a class have none; None for the names.

    Raises:
        LanzdmlError: the table cannot be read or lacks a class, or a class has no name or that of
            another.
    """
    n_classes = max(numbers, default=-1) + 1
    if names is None:
        classes = [str(number) for number in range(n_classes)]
    else:
        first = [name if isinstance(name, str) else name[0] for name in names]
        classes = [name.replace("_", " ") for name in first]
        if twice := [name for name, number in Counter(classes).items() if number > 1]:
            raise LanzdmlError(
                f"{dataset}: two classes are called {shortened(twice[0], 100)!r} where _ is a "
                "blank, and would be one: rename one of them"
            )
    if n_classes > len(classes):
        raise LanzdmlError(
            f"{dataset}: an image has class {n_classes - 1}, counted from 0, of {len(classes)}"
        )
    label_of: Mapping[int, str | None] = dict(enumerate(classes))
    if table is not None:
        key, told = _read_classes(Path(table), notion)
        keys = [str(number) for number in label_of] if key == NUMBER else classes
        lacking = [each for each in keys if each not in told]
        if lacking:
            raise LanzdmlError(
                f"{table}: lacks {key} {shortened(lacking[0], 100)} of {dataset}; add a row, with "
                "an empty label where its images have none"
            )
        label_of = {number: told[each] for number, each in enumerate(keys)}
    return [label_of[number] if number >= 0 else None for number in numbers]


def _read_classes(table: Path, notion: str) -> tuple[str, dict[str, str | None]]:
    """By what a table of classes tells them, and the label of each.

    Raises:
        LanzdmlError: it cannot be read, lacks a column, or has a class twice.
    """
    columns = csv_file.columns_of(table, notion)
    key = NUMBER if NUMBER in columns and CLASS not in columns else CLASS
    for column, needed in ((key, f"{CLASS} or {NUMBER}"), (notion, notion)):
        if column not in columns:
            there = shortened(", ".join(columns), 100) or "none"
            raise LanzdmlError(f"{table} has no column {needed}, but {there}")
    rows = csv_file.read_csv(table, notion, (key, notion))
    rows = rows.astype(object).where(rows.notna(), None)
    told: dict[str, str | None] = {}
    for line, name, label in zip(rows.index, rows[key], rows[notion], strict=True):
        if name is None or name in told:
            problem = "is empty" if name is None else f"{name!r} is there already"
            raise LanzdmlError(f"{table}, line {line}: {key} {problem}")
        told[name] = label
    return key, told
