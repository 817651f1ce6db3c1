"""``lanzdml site``: a ranking for the web from folders of results."""

from collections.abc import Sequence
from pathlib import Path

from lanzdml.sharing.site.write import write_site


def site(folders: Sequence[Path], output: Path, own: Sequence[Path]) -> str:
    """Make the site, and say what it has.

    Args:
        folders, output, own: as :func:`lanzdml.sharing.site.write.write_site`, and raises as that.
    """
    n_rows, n_rankings = write_site(folders, output, own)
    return f"{n_rows:,} rows in {n_rankings:,} rankings: {output / 'index.html'}"
