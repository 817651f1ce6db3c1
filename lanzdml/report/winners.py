"""What wins where, in sentences: with the prompts of the classes that are scored, and without;
and what keeps least of what should not matter."""

from collections import Counter

import pandas as pd

from lanzdml.experiments.specificity.table import METRIC as SPECIFICITY_METRIC
from lanzdml.experiments.unseen.table import METRIC as UNSEEN_METRIC
from lanzdml.methods import in_order, method_on_paper
from lanzdml.names import METRIC_NAMES
from lanzdml.significance.comparisons import METRIC, OURS
from lanzdml.tables.paper import by_setting, is_whole

_NOTION = ["dataset", "notion"]


def winners(summary: pd.DataFrame) -> list[str]:
    """A sentence a protocol, model and dim: which method that sees no labels is best, and where.

    Args:
        summary: of :func:`lanzdml.tables.paper.summarise`.
    """
    said = []
    for setting, block in by_setting(summary):
        rows = block[(block["metric"] == METRIC) & ~block["supervised"] & is_whole(block)]
        best = _best(rows.assign(value=rows["mean"]))
        if best:
            said.append(
                f"{setting[0].upper()}{setting[1:]}, the best {METRIC_NAMES[METRIC]} without "
                f"labels is that of {best}."
            )
    return said


def unseen_winners(rows: pd.DataFrame) -> list[str]:
    """The same on classes whose prompts methods did not have, and what the best with them loses.

    Args:
        rows: of :func:`lanzdml.experiments.unseen.table.summarise`.
    """
    rows = rows[(rows["metric"] == UNSEEN_METRIC) & ~rows["supervised"] & rows["unseen"].notna()]
    said = []
    for model, block in rows.groupby("model", sort=False):
        best = _best(block.assign(value=block["unseen"]))
        named = _counts(block.assign(value=block["named"]))
        if not best or not named or block["method"].nunique() < 2:
            continue
        first = next(iter(named))
        of_first = 100 * block.loc[block["method"] == first, ["named", "unseen"]].mean()
        said.append(
            f"Of {block['method'].nunique()} methods that were fitted without the prompts of the "
            f"classes that are scored (with {model}), the best is {best}; "
            f"{method_on_paper(first)}, the best on the same images with all prompts, goes from "
            f"{of_first['named']:.1f} to {of_first['unseen']:.1f} on average."
        )
    return said


def most_specific(rows: pd.DataFrame) -> list[str]:
    """What keeps least of the notions that should not matter.

    Args:
        rows: of :func:`lanzdml.experiments.specificity.table.summarise`.
    """
    own = rows[(rows["metric"] == SPECIFICITY_METRIC) & (rows["notion"] == rows["scored_on"])]
    said = []
    for model, block in own[~own["supervised"]].groupby("model", sort=False):
        kept = block.groupby("method")["off_target"].agg(lambda values: values.mean(skipna=False))
        above_clip = block.groupby("method")["of_clip"].min() > 100
        kept = kept[above_clip].dropna()
        if len(kept) < 2:
            continue
        least = in_order(kept[kept.round() == kept.round().min()].index)
        ours = f"; {method_on_paper(OURS)} keeps {kept[OURS]:.0f} %" if OURS in kept else ""
        said.append(
            f"Of {len(kept)} methods without labels that are above CLIP on every notion (with "
            f"{model}), {' and '.join(map(method_on_paper, least))} keeps least of the others: "
            f"{kept.min():.0f} % of what CLIP has of them above chance, by the nearest image{ours}."
        )
    return said


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    """On how many notions each method has the best value, to a tenth of a percent; most first."""
    wins: Counter[str] = Counter()
    for _, block in rows.dropna(subset="value").groupby(_NOTION, sort=False):
        percent = (100 * block["value"]).round(1)
        wins.update(in_order(block.loc[percent == percent.max(), "method"]))
    return dict(wins.most_common())


def _best(rows: pd.DataFrame) -> str:
    wins = _counts(rows)
    n_notions = len(rows.dropna(subset="value").groupby(_NOTION))
    if n_notions == 1:
        return " and ".join(map(method_on_paper, wins))
    parts = [f"{method_on_paper(name)} on {n}" for name, n in wins.items()]
    if not parts:
        return ""
    parts[0] += f" of {n_notions} notions"
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
