"""Which vector belongs to which row of a table: by an id, or by their order."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lanzdml.embeddings.vectors.vectors import Vectors
from lanzdml.errors import LanzdmlError


def rows_of(vectors: Vectors, ids: Sequence[str] | None, n: int, table: str) -> NDArray[np.intp]:
    """The row of the vectors that belongs to each row of a table.

    Args:
        vectors: with ids, or without.
        ids: of the table's rows, (n,); None where it has none.
        n: how many rows the table has.
        table: what messages call it.

    Returns:
        (n,). By ids where both have them; vectors that the table does not name are left out. Else
        0, 1, ...: the rows follow each other.

    Raises:
        LanzdmlError: an id of the table has no vector, or one is there twice; or, without ids,
            there are more or fewer vectors than rows.
    """
    file = vectors.parts[0].file if len(vectors.parts) == 1 else vectors.parts[0].file.parent
    if vectors.ids is None or ids is None:
        if len(vectors) != n:
            which = "the vectors" if vectors.ids is None else "the table"
            raise LanzdmlError(
                f"{file} holds {len(vectors):,} vectors, but {table} {n:,} rows, and {which} have "
                "no ids to join them by: give as many in the same order, or a column image_id in "
                "both"
            )
        return np.arange(n)
    row_of = _distinct(vectors.ids, str(file))
    _distinct(ids, table)
    missing = [image for image in ids if image not in row_of]
    if missing:
        raise LanzdmlError(
            f"{file} has no vector of {missing[0]!r}, which {table} names (missing: "
            f"{len(missing):,} of {n:,}); ids there are such as {vectors.ids[0]!r}"
        )
    return np.array([row_of[image] for image in ids], dtype=np.intp)


def _distinct(ids: Sequence[str], where: str) -> dict[str, int]:
    rows: dict[str, int] = {}
    for row, image in enumerate(ids):
        if (earlier := rows.setdefault(image, row)) != row:
            raise LanzdmlError(f"{where}: id {image!r} is there twice, in rows {earlier} and {row}")
    return rows
