"""``lanzdml verify``: what is said of it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lanzdml.methods.elsewhere import welcome
from lanzdml.sharing.verifying import HALF_A_DIGIT
from lanzdml.sharing.verifying import verify as compute

_SHOWN = 50


def verify(
    folder: Path,
    methods: Sequence[str],
    say: Callable[[str], object],
    *,
    runs: int,
    seed: int,
    progress: Callable[[int], object] = lambda n: None,
) -> bool:
    """Verify results, and say what agrees and what does not; whether all does.

    Raises:
        LanzdmlError: as of :func:`lanzdml.sharing.verifying.verify`.
    """
    for method in methods:
        welcome(method)
    found = compute(folder, runs=runs, seed=seed, progress=progress)
    n, of = found.runs
    say(f"{folder}: {n:,} of {of:,} runs were scored anew, {found.exact:,} the same bit for bit")
    if found.most[0]:
        say(
            f"- rounded otherwise, by {found.most[0]:.2g} at most ({found.most[1]}); up to "
            f"{HALF_A_DIGIT:g}, half of the last digit of tables, is taken for rounding"
        )
    say(
        f"- {found.fits:,} quick fits were made anew from prompts, {found.exact_fits:,} the same "
        "bit for bit"
    )
    for line in found.wrong[:_SHOWN]:
        say(f"- does not agree: {line}")
    if len(found.wrong) > _SHOWN:
        say(f"- and {len(found.wrong) - _SHOWN:,} more")
    say("All else agrees." if found.wrong else "All agrees.")
    return not found.wrong
