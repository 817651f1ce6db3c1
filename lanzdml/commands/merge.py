"""``lanzdml merge``: what is said of it."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from lanzdml.methods.elsewhere import welcome
from lanzdml.sharing.merging import merge as compute


def merge(
    folders: Sequence[Path], output: Path, methods: Sequence[str], say: Callable[[str], object]
) -> None:
    """Merge folders of results, and say what came of it and how to go on.

    Raises:
        LanzdmlError: as of :func:`lanzdml.sharing.merging.merge`.
    """
    for method in methods:
        welcome(method)
    merged = compute(folders, output)
    taken = ", ".join(f"{stage} {count:,}" for stage, count in merged.taken.items())
    say(f"{output}: files of {len(folders)} folders ({taken})")
    for note in merged.notes:
        say(f"- {note}")
    for line in merged.left:
        say(f"- left to the workflow, as no folder has it: {line}")
    say("Tables, statistics, figures and report are made by")
    say(f"  snakemake --cores 1 --configfile {shlex.quote(str(merged.config))}")
