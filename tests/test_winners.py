"""What the page says of winners: by notion, with ties, without prompts, and of other notions."""

import pandas as pd

from lanzdml.experiments.specificity.sentences import sentences as most_specific
from lanzdml.experiments.unseen.sentences import sentences as unseen_winners
from lanzdml.report.winners import winners


def summary(values, **changes):
    """Rows as of `lanzdml.tables.paper.summarise`: MAP@R by notion and method."""
    rows = [
        {"protocol": "paper", "model": "m", "dim": 16, "dataset": "d", "notion": notion,
         "metric": "map_at_r", "method": method, "mean": value, "n_seeds": 1, "n_runs": 1,
         "supervised": method == "oracle"} | changes.get(method, {})
        for notion, of_methods in values.items() for method, value in of_methods.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_best_without_labels_is_named_with_its_notions():
    values = {
        "a": {"clip": 0.2, "indirect": 0.5, "oracle": 0.9},
        "b": {"clip": 0.3, "indirect": 0.2, "oracle": 0.9},
        "c": {"clip": 0.4, "indirect": 0.40001, "oracle": 0.9},
    }
    (said,) = winners(summary(values))
    assert said == (
        "With m, r' = 16, the best MAP@R without labels is that of InDiReCT on 2 of 3 notions and "
        "CLIP on 2."
    )
    some = {"indirect": {"n_runs": 2}}
    (said,) = winners(summary({"a": values["a"]}, **some))
    assert said == "With m, r' = 16, the best MAP@R without labels is that of CLIP."


def unseen(values):
    rows = [
        {"dataset": "d", "notion": notion, "model": "m", "metric": "map_at_r", "method": method,
         "unseen": without, "named": with_all, "supervised": False}
        for notion, of_methods in values.items()
        for method, (without, with_all) in of_methods.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_what_the_best_with_all_prompts_loses_without_is_said():
    values = {
        "a": {"clip": (0.3, 0.3), "text_subspace": (0.6, 0.6), "prompt_posterior": (0.2, 0.9)},
        "b": {"clip": (0.3, 0.3), "text_subspace": (0.2, 0.5), "prompt_posterior": (0.1, 0.7)},
    }
    (said,) = unseen_winners(unseen(values))
    assert said == (
        "Of 3 methods that were fitted without the prompts of the classes that are scored (with "
        "m), the best is Text subspace on 1 of 2 notions and CLIP on 1; Prompt posterior, the "
        "best on the same images with all prompts, goes from 80.0 to 15.0 on average."
    )
    assert unseen_winners(unseen({"a": {"clip": (0.3, 0.3)}})) == []


def test_what_keeps_least_of_other_notions_has_to_be_above_clip():
    kept = {"clip": (100, 100), "indirect": (120, 60), "crl": (90, 1), "null_space": (130, 20)}
    rows = pd.DataFrame([
        {"model": "m", "metric": "precision_at_1", "notion": notion, "scored_on": notion,
         "method": method, "of_clip": own, "off_target": left, "supervised": False}
        for notion in "ab" for method, (own, left) in kept.items()
    ])  # fmt: skip
    (said,) = most_specific(rows)
    assert said == (
        "Of 2 methods without labels that are above CLIP on every notion (with m), Null space "
        "keeps least of the others: 20 % of what CLIP has of them above chance, by the nearest "
        "image; InDiReCT keeps 60 %."
    )
    assert most_specific(rows[rows["method"] != "indirect"]) == []
