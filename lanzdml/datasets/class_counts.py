"""How many images the classes of the paper's collections have, beside those of a manifest.

A collection can have all of its images and classes and still other labels than those that the
paper's scores are of: what a score is by chance then differs, and nothing else shows it.
"""

import logging
from functools import cache
from pathlib import Path

import pandas as pd

from lanzdml.datasets.labels import class_sizes
from lanzdml.datasets.manifest import NOT_NOTIONS
from lanzdml.names import one_line, shortened

# Of a checkout, as the prompt lists: without it nothing is known to differ.
COUNTS_FILE = Path(__file__).parents[2] / "resources" / "class_counts.csv"
_TOLD = 5  # classes that are named; cars have 98
_LONGEST = 100
_log = logging.getLogger(__name__)


def differing_classes(dataset: str, notion: str, labels: pd.Series) -> str:
    """Which classes have other numbers of images than in the original annotation, in one line.

    The largest differences first, five at most.

    Args:
        dataset, notion: their names.
        labels: (n,) of the images, null where one has none; sets or tuples of several values.

    Returns:
        nothing where all are equal, or where no counts are known.
    """
    known = known_counts(dataset, notion)
    if known is None:
        return ""
    counts = pd.DataFrame({"found": class_sizes(labels), "known": known}).fillna(0).astype("int64")
    differing = counts[counts["found"] != counts["known"]]
    if differing.empty:
        return ""
    by_size = (
        (differing["found"] - differing["known"]).abs().sort_values(ascending=False, kind="stable")
    )
    named = [
        f"{shortened(one_line(row.Index), _LONGEST)} {row.found:,} instead of {row.known:,}"
        for row in differing.loc[by_size.index[:_TOLD]].itertuples()
    ]
    if more := len(differing) - len(named):
        named.append(f"and {more:,} more")
    return (
        f"{len(differing):,} of {len(counts):,} classes have other numbers of images than in the "
        f"original annotation: {', '.join(named)}"
    )


def warn_of_differing_classes(dataset: str, manifest: pd.DataFrame) -> None:
    """Log a warning for each notion of a manifest whose classes have other numbers of images."""
    for notion in manifest.columns.difference(NOT_NOTIONS, sort=False):
        if told := differing_classes(dataset, notion, manifest[notion]):
            _log.warning("%s: %s: %s", dataset, notion, told)


def known_counts(dataset: str, notion: str) -> pd.Series | None:
    """How many images each class of a notion has by the original annotation; None if not known."""
    return _counts().get((dataset, notion))


@cache
def _counts() -> dict[tuple[str, str], pd.Series]:
    if not COUNTS_FILE.is_file():
        return {}
    rows = pd.read_csv(COUNTS_FILE, keep_default_na=False)  # N/A is a genre
    return {
        (str(dataset), str(notion)): counts.set_index("class")["n_images"]
        for (dataset, notion), counts in rows.groupby(["dataset", "notion"])
    }
