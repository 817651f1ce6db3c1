"""What was run: in a sentence, and as terms with their values."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lanzdml.config.queries import SHARE
from lanzdml.methods import method_on_paper
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.names import DATASET_NAMES, NOTION_NAMES, PROTOCOL_NAMES, on_paper, one_line
from lanzdml.report.provenance import Embedded
from lanzdml.transforms.storage import OK


def scope(config: Mapping[str, Any]) -> str:
    """What was run, in a sentence."""
    datasets, models = config["datasets"], config["experiments"]["main"]["models"]
    n_notions = sum(len(settings["notions"]) for settings in datasets.values())
    return (
        f"{_count(len(config['methods']), 'method')} on {_count(n_notions, 'similarity notion')} "
        f"of {', '.join(on_paper(name, DATASET_NAMES) for name in datasets)}, with the CLIP "
        f"{'model' if len(models) == 1 else 'models'} {', '.join(models)} and "
        f"{_count(len(config['seeds']), 'seed')}."
    )


def _count(n: int, name: str) -> str:
    return f"{n:,} {name}{'' if n == 1 else 's'}"


def facts(
    config: Mapping[str, Any], embedded: Sequence[Embedded], runs: pd.DataFrame
) -> list[tuple[str, list[str]]]:
    """What was run: terms, each with its values.

    Args:
        config: the resolved configuration.
        embedded: how many images there are of each dataset.
        runs: the rows of all runs.
    """
    n_images = {dataset: n for entry in embedded for dataset, n in entry.images.items()}
    protocol = config["protocol"]
    protocols = [protocol] if isinstance(protocol, str) else protocol
    terms = {
        "Datasets": [_dataset(name, n_images) for name in config["datasets"]],
        "Similarity notions": _notions(config["datasets"]),
        "CLIP models": [", ".join(config["experiments"]["main"]["models"])],
        "Methods": [", ".join(method_on_paper(name) for name in config["methods"])],
        "Dimensions r′": [", ".join(map(str, config["dims"]))],
        "Seeds": [", ".join(map(str, config["seeds"]))],
        "Protocol": [", ".join(map(_protocol, protocols))],
    }
    # Experiments may go by others than the tables do.
    if any(PROTOCOLS[name].split for name in {*protocols, *runs["protocol"]}):
        terms["Queries"] = [_queries(*dataset) for dataset in config["datasets"].items()]
    if len(runs):
        terms["Runs"] = [_number_of(runs)]
    return list(terms.items())


def _dataset(name: str, n_images: Mapping[str, int]) -> str:
    named = on_paper(name, DATASET_NAMES)
    return f"{named} ({n_images[name]:,} images)" if name in n_images else named


def _protocol(name: str) -> str:
    return PROTOCOL_NAMES[name].removesuffix(" protocol")


def _queries(name: str, settings: Mapping[str, Any]) -> str:
    """Which images of a dataset are queries, where they are told from a gallery."""
    queries = settings.get("queries") or {}
    if other := queries.get("dataset"):
        which = f"the images of {on_paper(other, DATASET_NAMES)}"
    elif column := queries.get("column"):
        which = f"the images that column {one_line(column)} calls so"
    else:
        share, seed = queries.get("share") or SHARE, queries.get("seed") or 0
        which = f"{100 * share:g} % of the images, drawn with seed {seed}"
    return f"{on_paper(name, DATASET_NAMES)}: {which}"


def _notions(datasets: Mapping[str, Any]) -> list[str]:
    """The notions of each dataset, which is named where there are several."""
    lists = []
    for dataset, settings in datasets.items():
        notions = ", ".join(_notion(*notion) for notion in settings["notions"].items())
        named = on_paper(dataset, DATASET_NAMES)
        lists.append(notions if len(datasets) == 1 else f"{named}: {notions}")
    return lists


def _notion(name: str, settings: Mapping[str, Any]) -> str:
    return (
        on_paper(name, NOTION_NAMES)
        + ("" if settings.get("scored", True) else " (not scored)")
        + (f" ({settings['by']})" if settings.get("combine") else "")
    )


def _number_of(runs: pd.DataFrame) -> str:
    failed = int((runs["status"] != OK).sum())
    note = f"; {failed:,} of them could not be made" if failed else ""
    return f"{len(runs):,} in all{note}"
