"""What workers said of the birds of CUB-200-2011: attributes in groups, several values an image.

Wah et al., CNS-TR-2011-001, section 3.2: of each image, for each of 312 attributes, whether it is
there and how certain the worker was.
"""

import logging
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from lanzdml.datasets import csv_file, raw
from lanzdml.errors import LanzdmlError
from lanzdml.limits import limits

NAMES, LABELS = "attributes.txt", "attributes/image_attribute_labels.txt"
PLACES = (f"attributes/{NAMES}", NAMES)  # of the names; in the archive they lie beside the folder
# A notion to its group, and to the list of ours that has its values. Those that say something of
# the whole bird, or of what is seen from most sides.
GROUPS = {
    "primary_color": ("has_primary_color", "cub200_colors.txt"),
    "upperparts_color": ("has_upperparts_color", "cub200_colors.txt"),
    "underparts_color": ("has_underparts_color", "cub200_colors.txt"),
    "crown_color": ("has_crown_color", "cub200_colors.txt"),
    "bill_shape": ("has_bill_shape", "cub200_bill_shapes.txt"),
    "shape": ("has_shape", "cub200_shapes.txt"),
    "size": ("has_size", "cub200_sizes.txt"),
    "wing_pattern": ("has_wing_pattern", "cub200_wing_patterns.txt"),
}
PROBABLY = 3  # 1 is not visible, 2 guessing, 4 definitely
_COLUMNS = {
    "image": pa.int32(), "attribute": pa.int32(), "present": pa.int8(), "certainty": pa.int8(),
    "time": pa.float64(),
}  # fmt: skip
_MOST_FIELDS = 7  # of some lines of the original; what follows the first four are numbers
_ODD_LINES = 10_000
_NUMBER = re.compile(r"\d+(\.\d*)?")
_log = logging.getLogger(__name__)

Values = list[tuple[str, ...] | None]


def read_attributes(
    folder: Path, inside: Path, numbers: Sequence[int], known: Sequence[int]
) -> dict[str, Values]:
    """Each notion's values for some images: those that a worker found probably or definitely.

    Args:
        folder: ``CUB_200_2011``.
        inside: the dataset's root, above which nothing is looked for.
        numbers: of the images that labels are wanted of, in their order.
        known: of all images of the collection.

    Returns:
        a tuple of sorted values an image, None where there is none; of every image None where the
        collection is without its attributes.

    Raises:
        LanzdmlError: a line is wrong, or of an image or an attribute that is not listed.
    """
    path = folder / LABELS
    if not path.exists():
        return no_attributes(len(numbers))
    folders = [folder] if folder == inside else [folder, folder.parent]
    names_path = next(
        (place / name for place in folders for name in PLACES if (place / name).exists()), None
    )
    if names_path is None:
        _log.warning(
            "cub200: %s is there, but not the names of its attributes: without %s or attributes/%s "
            "%s have no labels", path, folders[-1] / NAMES, NAMES, ", ".join(GROUPS),
        )  # fmt: skip
        return no_attributes(len(numbers))
    attributes = _read_names(names_path)
    table = _read_labels(path, attributes, known)
    return {
        notion: _values(table, attributes, group, numbers) for notion, (group, _) in GROUPS.items()
    }


def no_attributes(n_images: int) -> dict[str, Values]:
    """What a copy has that is without them."""
    return {notion: [None] * n_images for notion in GROUPS}


def _read_names(path: Path) -> dict[int, tuple[str, str]]:
    """Number to group and value of every attribute: ``1 has_bill_shape::curved_(up_or_down)``."""
    attributes: dict[int, tuple[str, str]] = {}
    for position, line in enumerate(raw.read_lines(path), start=1):
        columns = line.split()
        number = raw.number_of(columns[0]) if len(columns) == 2 else None
        group, _, value = columns[-1].partition("::") if columns else ("", "", "")
        if number is None or not value:
            raise LanzdmlError(
                f"{path}, line {position}: {line!r:.100} is no number, group and value"
            )
        if number in attributes:
            raise LanzdmlError(f"{path}, line {position}: number {number} is there already")
        # "large_(16_-_32_in)" is large
        attributes[number] = group, re.sub(r"\s*\(.*\)", "", value.replace("_", " ")).strip()
    groups = {group for group, _ in attributes.values()}
    for notion, (group, file) in GROUPS.items():
        if group not in groups:
            raise LanzdmlError(f"{path} has no attribute {group}::..., which {notion} is made of")
        raw.check_prompts("cub200", file, [v for g, v in attributes.values() if g == group])
    return attributes


def _read_labels(
    path: Path, attributes: dict[int, tuple[str, str]], known: Sequence[int]
) -> pa.Table:
    """The rows of what is present and certain enough, after a check of all of them."""
    odd: list[tuple[int | None, str]] = []

    def keep(row: csv.InvalidRow) -> str:
        odd.append((row.number, row.text))
        return "skip" if len(odd) <= _ODD_LINES else "error"

    content = raw.read_file(path)
    if not content.isascii():
        raise LanzdmlError(f"{path} is no list of attributes: it holds more than numbers")
    if content.count(b"\n") > limits().table_rows:
        raise csv_file.has_more(path, limits().table_rows, "lines", "table_rows")
    try:
        # Without threads: else the numbers of odd lines are not known.
        table = csv.read_csv(
            BytesIO(content),
            csv.ReadOptions(column_names=list(_COLUMNS), use_threads=False),
            csv.ParseOptions(delimiter=" ", quote_char=False, invalid_row_handler=keep),
            csv.ConvertOptions(column_types=_COLUMNS, null_values=[]),
        ).drop_columns(["time"])
    except pa.ArrowInvalid as error:
        raise LanzdmlError(f"{path} is no list of attributes: {error!s:.200}") from None
    if odd:
        schema = table.schema
        rows = [_odd_row(path, number, text, schema.names) for number, text in odd]
        table = pa.concat_tables([table, pa.Table.from_pylist(rows, schema)])
    for column, allowed, what in (
        ("present", [0, 1], "is neither 0 nor 1"),
        ("certainty", [1, 2, 3, 4], "is no certainty, 1 to 4"),
        ("attribute", list(attributes), "is none of the listed attributes"),
        ("image", list(known), "is none of the listed images"),
    ):
        fits = pc.is_in(table[column], value_set=pa.array(allowed, table.schema.field(column).type))
        if not pc.all(fits, min_count=0).as_py():
            row = table.filter(pc.invert(fits)).slice(0, 1).to_pylist()[0]
            raise LanzdmlError(
                f"{path}: {column} {row[column]} {what} (image {row['image']}, attribute "
                f"{row['attribute']})"
            )
    keys = table["image"].to_numpy().astype(np.int64) * 2**32 + table["attribute"].to_numpy()
    keys.sort()
    if len(twice := np.flatnonzero(keys[1:] == keys[:-1])):
        image, attribute = divmod(int(keys[twice[0]]), 2**32)
        raise LanzdmlError(f"{path}: image {image} has attribute {attribute} twice")
    return table.filter((pc.field("present") == 1) & (pc.field("certainty") >= PROBABLY))


def _odd_row(
    path: Path, number: int | None, text: str, columns: Sequence[str]
) -> dict[str, int | None]:
    """A line of other fields: some of the original have two more, or a blank more between."""
    fields = text.split()
    values = [raw.number_of(field) for field in fields[: len(columns)]]
    rest = fields[len(columns) :]
    if (
        None in values
        or not 1 <= len(rest) <= _MOST_FIELDS - len(columns)
        or not all(map(_NUMBER.fullmatch, rest))
    ):
        where = path if number is None else f"{path}, line {number}"
        raise LanzdmlError(
            f"{where}: {text!r:.100} is no image, attribute, 0 or 1, certainty, time"
        )
    return dict(zip(columns, values, strict=True))


def _values(
    table: pa.Table,
    attributes: dict[int, tuple[str, str]],
    group: str,
    numbers: Sequence[int],
) -> Values:
    """The values of one group of some images."""
    values = {number: value for number, (of, value) in attributes.items() if of == group}
    rows = table.filter(pc.field("attribute").isin(list(values)))
    found: dict[int, set[str]] = {}
    for image, attribute in zip(
        rows["image"].to_pylist(), rows["attribute"].to_pylist(), strict=True
    ):
        found.setdefault(image, set()).add(values[attribute])
    return [tuple(sorted(found[number])) if number in found else None for number in numbers]
