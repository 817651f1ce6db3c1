"""Manifests: which images a dataset has, in which order, and their labels.

Columns: ``image_id`` (string, unique), ``path`` (relative to the dataset's root) or ``image``
(encoded bytes), or neither where vectors are all that there is of an image; then one column a
notion, null where an image has no label for it: of strings, or of lists of them where an image may
have several values, which are tuples of distinct ones in a data frame. The order of the rows is the
order of evaluation.
A dataset may have a column ``mask``: an encoded image of an image's size
(:func:`lanzdml.datasets.pixels.foreground`), null where there is none.

A dataset's reader may add a column ``excluded`` with the reason of every row that is to be left
out, null for the others. Such rows are listed in a CSV of their own beside the manifest.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lanzdml.datasets.parquet_file import read_result
from lanzdml.errors import LanzdmlError, in_one_line
from lanzdml.files import replacing, write_text
from lanzdml.spreadsheet import to_csv

ID, PATH, IMAGE, MASK = "image_id", "path", "image", "mask"
EXCLUDED = "excluded"
FINGERPRINT = "manifest_fingerprint"  # key of the metadata, of embeddings' files, too
NOT_NOTIONS = (ID, PATH, IMAGE, MASK, EXCLUDED)  # columns with a meaning of their own


def check_manifest(manifest: pd.DataFrame, notions: Sequence[str], name: str) -> None:
    """Check the contract above.

    Raises:
        LanzdmlError: naming the dataset and the first row that breaks it.
    """
    if manifest.empty:
        raise LanzdmlError(f"dataset {name} has no images")
    sources = [column for column in (PATH, IMAGE) if column in manifest]
    if len(sources) > 1:
        raise LanzdmlError(f"dataset {name}: needs a column {PATH!r} or {IMAGE!r}, not {sources}")
    missing = [column for column in (ID, *notions) if column not in manifest]
    if missing:
        raise LanzdmlError(f"dataset {name}: has no column {missing[0]!r}")
    for column in (ID, *sources):
        if manifest[column].isna().any():
            row = int(manifest[column].isna().to_numpy().argmax())
            raise LanzdmlError(f"dataset {name}: row {row} has no {column}")
    for column in (ID, *notions):
        for row, value in enumerate(manifest[column]):
            values = value if isinstance(value, tuple) and column != ID else (value,)
            if not values or not all(map(_is_string, values)):
                if values == (value,) and pd.isna(value):
                    continue
                raise LanzdmlError(
                    f"dataset {name}: {column} of row {row} is {value!r}, but must be a string "
                    "that is not empty" + ("" if column == ID else ", or a tuple of such strings")
                )
            if len(set(values)) < len(values):
                raise LanzdmlError(
                    f"dataset {name}: {column} of row {row} has a value twice: {value!r}"
                )
    repeated = manifest[ID][manifest[ID].duplicated()]
    if len(repeated):
        raise LanzdmlError(f"dataset {name}: image_id {repeated.iloc[0]!r} occurs twice")


def _is_string(value: object) -> bool:
    return isinstance(value, str) and value != ""


def split_excluded(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The manifest among a reader's rows, and the excluded rows (image_id, path, reason).

    A reason is a few words, which may be followed by a colon and details.
    """
    if EXCLUDED not in rows:
        return rows, pd.DataFrame(columns=[ID, PATH, "reason"], dtype="str")
    kept = rows[EXCLUDED].isna()
    excluded = rows.loc[~kept].rename(columns={EXCLUDED: "reason"})
    return (
        rows.loc[kept].drop(columns=EXCLUDED).reset_index(drop=True),
        excluded.reindex(columns=[ID, PATH, "reason"]).reset_index(drop=True),
    )


def write_excluded(path: Path, excluded: pd.DataFrame) -> None:
    """Write the excluded rows as CSV; only the header where nothing is left out."""
    write_text(path, to_csv(excluded))


def summary(manifest: pd.DataFrame, excluded: pd.DataFrame) -> str:
    """How many images there are and how many are left out for which reason, in one line."""
    reasons = excluded["reason"].str.split(":").str[0].value_counts(sort=False)
    left_out = ", ".join(f"{number:,} {reason}" for reason, number in reasons.items())
    return in_one_line(
        f"{len(manifest):,} images" + (f"; left out: {left_out}" if left_out else "")
    )


def write_manifest(path: Path, manifest: pd.DataFrame, notions: Sequence[str], name: str) -> None:
    """Check a manifest and write it as parquet.

    Raises:
        LanzdmlError: see :func:`check_manifest`.
    """
    check_manifest(manifest, notions, name)
    kinds = {PATH: pa.string(), IMAGE: pa.binary()}
    schema = pa.schema([
        (ID, pa.string()),
        *((source, kind) for source, kind in kinds.items() if source in manifest),
        *((MASK, pa.binary()) for _ in range(MASK in manifest)),
        *((notion, _kind_of(manifest[notion])) for notion in notions),
    ])  # fmt: skip
    several = [name for name in notions if pa.types.is_list(schema.field(name).type)]
    rows = manifest[schema.names].assign(**{name: _as_tuples(manifest[name]) for name in several})
    table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
    metadata = {"dataset": name, FINGERPRINT: fingerprint(manifest)}
    with replacing(path) as temporary:
        pq.write_table(table.replace_schema_metadata(metadata), temporary)


def _kind_of(labels: pd.Series) -> pa.DataType:
    several = any(isinstance(value, tuple) for value in labels)
    return pa.list_(pa.string()) if several else pa.string()


def _as_tuples(labels: pd.Series) -> list[tuple[str, ...] | None]:
    """With one value, too, where others have several."""
    return [
        value if isinstance(value, tuple) else None if pd.isna(value) else (value,)
        for value in labels
    ]


def read_manifest(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a manifest, or some of its columns.

    Raises:
        LanzdmlError: the file is no such parquet file.
    """
    with readable(path):
        table = read_result(path, columns).replace_schema_metadata()
        rows = table.to_pandas()
    for field in table.schema:
        if pa.types.is_list(field.type):
            cells = [None if cell is None else tuple(cell) for cell in rows[field.name]]
            rows[field.name] = pd.Series(cells, rows.index, dtype=object)
    return rows


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise a LanzdmlError for what is raised of a manifest that is no such file."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise LanzdmlError(
            f"{path} cannot be read: {in_one_line(error)}; delete it and run again"
        ) from None


def fingerprint_of(path: Path) -> str:
    """The fingerprint that a manifest was written with.

    Raises:
        LanzdmlError: it has none, or is no manifest.
    """
    with readable(path):
        found = (pq.read_schema(path).metadata or {}).get(FINGERPRINT.encode())
        if found is not None:
            return found.decode()
    raise LanzdmlError(f"{path} is no manifest of this version: delete it and run again")


def positions_of(image_ids: Sequence[str], manifest: pd.DataFrame, key: str) -> list[int]:
    """The rows of some images in a manifest, each once; ``key`` is where they are named.

    Raises:
        LanzdmlError: there is no such image.
    """
    rows = {image_id: row for row, image_id in enumerate(manifest[ID])}
    for image_id in image_ids:
        if image_id not in rows:
            raise LanzdmlError(
                f"{key}: there is no image {image_id!r}; ids are those of the manifest, such as "
                f"{manifest[ID].iloc[0]!r}"
            )
    return [rows[image_id] for image_id in dict.fromkeys(image_ids)]


def fingerprint(manifest: pd.DataFrame) -> str:
    """Hex digest of the images' ids and their paths or bytes, in their order."""
    sources = [column for column in (PATH, IMAGE) if column in manifest]
    digest = hashlib.sha256("".join(sources).encode())
    for parts in zip(*(manifest[column] for column in (ID, *sources)), strict=True):
        for part in parts:
            data = part.encode() if isinstance(part, str) else bytes(part)
            digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()
