"""Manifests: which images a dataset has, in which order, and their labels.

Columns: ``image_id`` (string, unique), ``path`` (relative to the dataset's root) or ``image``
(encoded bytes), or neither where vectors are all that there is of an image; then one string column
a notion, null where an image has no label for it. The order of the rows is the order of evaluation.
A dataset may have a column ``mask``: an encoded image of an image's size
(:func:`lanzdml.datasets.pixels.foreground`), null where there is none.

A dataset's reader may add a column ``excluded`` with the reason of every row that is to be left
out, null for the others. Such rows are listed in a CSV of their own beside the manifest.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
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
JOINED_BY = " + "
LabelColumns = str | Sequence[str]
"""Where a notion's labels are: in a column or, for a combined notion, in one of each part."""


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
            if not pd.isna(value) and not (isinstance(value, str) and value):
                raise LanzdmlError(
                    f"dataset {name}: {column} of row {row} is {value!r}, but must be a string "
                    "that is not empty"
                )
    repeated = manifest[ID][manifest[ID].duplicated()]
    if len(repeated):
        raise LanzdmlError(f"dataset {name}: image_id {repeated.iloc[0]!r} occurs twice")


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
        *((notion, pa.string()) for notion in notions),
    ])  # fmt: skip
    table = pa.Table.from_pandas(manifest[schema.names], schema=schema, preserve_index=False)
    metadata = {"dataset": name, FINGERPRINT: fingerprint(manifest)}
    with replacing(path) as temporary:
        pq.write_table(table.replace_schema_metadata(metadata), temporary)


def read_manifest(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a manifest, or some of its columns.

    Raises:
        LanzdmlError: the file is no such parquet file.
    """
    with _readable(path):
        return read_result(path, columns).replace_schema_metadata().to_pandas()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
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
    with _readable(path):
        found = (pq.read_schema(path).metadata or {}).get(FINGERPRINT.encode())
        if found is not None:
            return found.decode()
    raise LanzdmlError(f"{path} is no manifest of this version: delete it and run again")


def columns_of(labels: LabelColumns) -> list[str]:
    """The columns as a list, of one or of several."""
    return [labels] if isinstance(labels, str) else list(labels)


def read_labels(path: Path, columns: LabelColumns) -> pd.Series:
    """A manifest's labels for a notion in its order, null where there is none.

    A combined notion's are those of its parts, joined, where an image has all of them. They are
    joined here, not in the manifest: another combination leaves that, and all made of it, alone.
    A notion that is not scored need not be in the manifest.
    """
    return read_all_labels(path, {"labels": columns})["labels"]


def read_all_labels(path: Path, columns: Mapping[str, LabelColumns]) -> pd.DataFrame:
    """A manifest's ids and, as :func:`read_labels`, its labels for several notions.

    Args:
        path: of the manifest.
        columns: for each notion where its labels are, mostly in a column of the same name.

    Raises:
        LanzdmlError: joined labels of different parts would be the same text.
    """
    parts = {notion: columns_of(names) for notion, names in columns.items()}
    with _readable(path):
        in_manifest = set(pq.read_schema(path).names) & {
            name for names in parts.values() for name in names
        }
    table = read_manifest(path, columns=[ID, *sorted(in_manifest)])
    none = pd.Series(None, table.index, dtype="str")
    labels = {}
    for notion, names in parts.items():
        of_parts = [table[name] if name in in_manifest else none for name in names]
        labels[notion] = reduce(lambda left, right: left.str.cat(right, sep=JOINED_BY), of_parts)
        several = pd.concat(of_parts, axis=1)[labels[notion].notna()].drop_duplicates()
        if len(several) > labels[notion].nunique():
            raise LanzdmlError(
                f"{path}: labels of {JOINED_BY.join(names)} hold {JOINED_BY!r} themselves, so that "
                "different ones are the same when they are joined: change these labels"
            )
    return pd.DataFrame({ID: table[ID], **labels})


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


def distinct_labels(path: Path, notion: str) -> list[str]:
    """The labels that occur in a manifest for a notion, sorted.

    Raises:
        LanzdmlError: there are fewer than two.
    """
    labels = sorted(read_manifest(path, columns=[notion])[notion].dropna().unique())
    if len(labels) < 2:
        only = f"only the label {labels[0]!r}" if labels else "no label"
        raise LanzdmlError(f"{path}: images have {only} for {notion}; prompts need two or more")
    return labels


def fingerprint(manifest: pd.DataFrame) -> str:
    """Hex digest of the images' ids and their paths or bytes, in their order."""
    sources = [column for column in (PATH, IMAGE) if column in manifest]
    digest = hashlib.sha256("".join(sources).encode())
    for parts in zip(*(manifest[column] for column in (ID, *sources)), strict=True):
        for part in parts:
            data = part.encode() if isinstance(part, str) else bytes(part)
            digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()
