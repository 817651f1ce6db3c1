"""Tables and lists that lie within a dataset, which may be somebody else's."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from lanzdml.datasets.inside import Places


def check_links(named: Mapping[str, str], folder: str, linked: Iterable[str]) -> list[str]:
    """A line for each file within a dataset that is a link to one elsewhere.

    What such files hold gets onto the page; but not where the working folder is in the dataset,
    which is the user's own.

    Args:
        named: paths, by the keys that name them.
        folder: where the dataset is.
        linked: folders elsewhere that links in it may lead to.
    """
    within = Path(os.path.abspath(folder))
    if Path.cwd().is_relative_to(within):
        return []
    places = Places(Path(folder), linked)
    return [
        f"{where}: {path} {problem}"
        for where, path in named.items()
        if path
        and Path(os.path.abspath(path)).is_relative_to(within)
        and (problem := places.problem_of(path))
    ]
