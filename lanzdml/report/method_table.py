"""What each method sees, and what of it can be set: a table with a row a method."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from lanzdml.methods import METHODS, method_on_paper
from lanzdml.methods.needs import AGAINST, IMAGES, LABELS, PROMPTS
from lanzdml.metrics.runs import TRAITS
from lanzdml.tables.markup import DASH, Table

COLUMNS = ("Fitted to", "Vector of", "r\N{PRIME}", "Seed", "Can be set")
_WORDS = {PROMPTS: "prompts", AGAINST: "others' prompts", IMAGES: "images"}
_LABELLED = "images with labels"
_NOTES = (
    "Others' prompts are those of what must not matter; of a notion's own Ignore learns nothing.",
    "Images are all of the dataset's, without their labels unless it says so.",
    "Of prompts the random transform takes no more than the size of their vectors.",
    "Columns r\N{PRIME} and Seed: whether the configuration's dims and seeds make a difference.",
)
_NOT_SET_THERE = {"dim", "random_state"}  # but in the configuration


def method_table(methods: Iterable[str], rows: pd.DataFrame) -> Table:
    """A row a method: ours by their classes, others by what their runs' rows say.

    The code of others is not run. Those that have no row yet are left out.

    Args:
        methods: in the order of the table.
        rows: of runs, see :data:`lanzdml.metrics.runs.COLUMNS`.
    """
    first = rows.drop_duplicates("method").set_index("method")
    told = set(rows.loc[rows["against"].notna(), "method"])
    shown: dict[str, Sequence[str]] = {}
    for method in methods:
        if METHODS.is_ours(method):
            shown[method] = _of_ours(method)
        elif method in first.index:
            shown[method] = _of_others(first.loc[method], method in told)
    return Table(
        "What each method sees, and what can be set of it",
        ["Method"],
        [(method_on_paper(method),) for method in shown],
        COLUMNS,
        [*shown.values()],
        _NOTES,
        texts=COLUMNS,
    )


def _of_ours(method: str) -> list[str]:
    cls = METHODS[method]
    traits = {trait: getattr(cls, trait, False) for trait in (*TRAITS, "by_position")}
    needs = cls.needs if cls.learned else ()
    return [*_seen(needs, traits), ", ".join(_settable(cls)) or DASH]


def _of_others(row: "pd.Series[Any]", told: bool) -> list[str]:
    traits = {trait: bool(row[trait]) for trait in TRAITS}
    needs = [PROMPTS, *([AGAINST] if told else []), *([IMAGES] if traits["sees_images"] else [])]
    seen = _seen([IMAGES, LABELS] if traits["supervised"] else needs, traits)
    if traits["external"]:
        labels = ", with labels" if traits["supervised"] else ""
        seen[:2] = [f"made elsewhere{labels}", DASH]
    return [*seen, DASH]


def _seen(needs: Sequence[str], traits: Mapping[str, Any]) -> list[str]:
    """All columns but the last."""
    words = _WORDS | ({IMAGES: _LABELLED} if LABELS in needs else {})
    fitted_to = ", ".join(words[n] for n in needs if n != LABELS)
    made_of = "the image"
    if traits["transductive"]:
        made_of = "all images"
    elif traits.get("by_position"):
        made_of = "its place"
    chosen = ["yes" if traits["has_dim"] else DASH, DASH if traits["deterministic"] else "yes"]
    return [fitted_to or "nothing", made_of, *chosen]


def _settable(cls: type) -> list[str]:
    """The parameters of a method, each with its default."""
    parameters = inspect.signature(cls).parameters.values()
    return [
        f"{each.name} {'of the model' if each.name == 'logit_scale' else each.default}"
        for each in parameters
        if each.name not in _NOT_SET_THERE
    ]
