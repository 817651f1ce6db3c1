"""What a configuration must fulfil beyond its schema: names that exist, files that are there."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lanzdml.datasets import DATASETS, find_dataset
from lanzdml.datasets.archives import is_archive
from lanzdml.datasets.manifest import NOT_NOTIONS
from lanzdml.datasets.own import has_label
from lanzdml.datasets.raw import LAYOUTS
from lanzdml.embeddings.models import check_pretrained, read_architecture
from lanzdml.embeddings.prompts import FROM_LABELS, PLACEHOLDER, read_aspects, read_prompts
from lanzdml.errors import LanzdmlError, suggest
from lanzdml.figures.saliency.maps import DIM as SALIENCY_DIM
from lanzdml.methods import METHODS
from lanzdml.metrics.protocols import PROTOCOLS

if TYPE_CHECKING:
    from lanzdml.config.config import Config, DatasetConfig, ModelConfig, NotionConfig

OWN_DATA = "docs/your-own.md"

# Sections that cannot have stacked notions, and why.
_ONE_FIT = {
    "experiments.prompt_count": "prompts are drawn for one",
    "figures.saliency": "maps are of one",
}


def cross_checks(config: "Config") -> list[str]:
    """A line for each thing wrong with a configuration that its schema cannot express."""
    lines = []
    for key, values in (("methods", config.methods), ("dims", config.dims),
                        ("seeds", config.seeds), ("protocol", config.protocols)):  # fmt: skip
        lines += [f"{key}: {value!r} is listed twice" for value in _duplicates(values)]
    lines += [
        f"methods[{position}]: there is no method {name!r}; {suggest(name, METHODS)}"
        for position, name in enumerate(config.methods)
        if name not in METHODS
    ]
    for name, dataset in config.datasets.items():
        lines += _dataset_lines(f"datasets.{name}", name, dataset)
        lines += _protocol_lines(f"datasets.{name}", name, config)
        for notion_name, notion in dataset.notions.items():
            if notion.sampled_classes and not notion.scored:
                lines.append(
                    f"datasets.{name}.notions.{notion_name}.sampled_classes: the notion is not "
                    "scored, so there is no interval; leave it out"
                )
            if notion.combine is not None:
                continue
            lines += _prompt_lines(f"datasets.{name}.notions.{notion_name}", notion)
    for name, model in config.models.items():
        lines += _model_lines(f"models.{name}", model)
    for key, section in _experiments(config):
        lines += _experiment_lines(key, section, config)
    for name, key, dims in _sizes(config):
        lines += _dim_lines(name, key, dims, config)
    return lines


def _duplicates(values: list) -> list:
    return sorted({value for value in values if values.count(value) > 1})


def _download_lines(key: str, name: str, dataset: "DatasetConfig") -> list[str]:
    if not dataset.download:
        return []
    source = find_dataset(name, dataset.labels).download
    if source is None:
        return [
            f"{key}.download: {name} has no stable public address; {LAYOUTS} says where it comes "
            "from and what to place where"
        ]
    if is_archive(Path(dataset.root)) or Path(dataset.root).is_file():
        return [
            f"{key}.root: with download it is the folder that {source.file} goes into, "
            f"not {dataset.root!r}"
        ]
    return []


def _protocol_lines(key: str, name: str, config: "Config") -> list[str]:
    """Whether a protocol takes prompts that are not there, or labels in place of those named."""
    notions = config.datasets[name].notions
    replaced = [
        f"{key}.notions.{notion}.labels: the {protocol} protocol takes those of {labels} in their "
        "place; leave it out, or give the notion another name"
        for notion, settings in notions.items()
        if settings.scored and settings.labels is not None
        for protocol in config.protocols
        for labels in sorted(
            {PROTOCOLS[protocol].sources(name, notion, method).labels for method in config.methods}
            - {notion}
        )
    ]
    return replaced + [
        f"{key}.notions.{notion}: the {protocol} protocol needs the prompts of {prompts}, too: "
        f"list {key}.notions.{prompts}"
        for notion, settings in notions.items()
        if settings.scored
        for protocol in config.protocols
        for prompts in sorted(
            {PROTOCOLS[protocol].sources(name, notion, method).prompts for method in config.methods}
        )
        if prompts not in notions
    ]


def _dataset_lines(key: str, name: str, dataset: "DatasetConfig") -> list[str]:
    """Whether there is such a dataset, and labels for the notions that need them."""
    if name in DATASETS and dataset.labels is not None:
        return [
            f"{key}.labels: {name} is registered; choose another name for a dataset of your own"
        ]
    if name not in DATASETS and dataset.labels is None:
        return [
            f"{key}: there is no dataset {name!r}; {suggest(name, DATASETS)}; or, for images of "
            f"your own, give labels: the path of a table, see {OWN_DATA}"
        ]
    if dataset.root is None and dataset.labels is None:
        return [f"{key}.root: is missing"]
    try:
        known = find_dataset(name, dataset.labels).notions
    except LanzdmlError as error:
        return [f"{key}.labels: {error}"]
    lines = _download_lines(key, name, dataset)
    for notion_name, notion in dataset.notions.items():
        where = f"{key}.notions.{notion_name}"
        column = notion.labels or notion_name
        if notion_name in NOT_NOTIONS:
            lines.append(f"{where}: no notion can be called {notion_name}")
        elif notion.combine is not None:
            lines += _combine_lines(where, notion_name, dataset.notions, known)
        elif notion.labels is not None and column not in known:
            lines.append(
                f"{where}.labels: {_none(name, dataset, column)}; {suggest(column, known)}"
            )
        elif column not in known and (notion.scored or notion.aspects == FROM_LABELS):
            none = _none(name, dataset, column)
            advice = (
                "if the notion has no labels, say scored: false"
                if notion.scored
                else f"aspects: {FROM_LABELS} needs them"
            )
            lines.append(f"{where}: {none}; {suggest(notion_name, known)}; {advice}")
        elif notion.scored and dataset.labels is not None:
            lines += _label_lines(key, where, column, dataset.labels)
    return lines


def _labelled(name: str, notion: "NotionConfig", known: Collection[str]) -> bool:
    """Whether a notion has labels, or is said above to have none where it needs them."""
    return notion.scored or notion.labels is not None or name in known


def _combine_lines(
    key: str, name: str, notions: "dict[str, NotionConfig]", known: Collection[str]
) -> list[str]:
    """Whether a combined notion combines others of its dataset, and says nothing that they say."""
    notion = notions[name]
    parts = notion.combine
    own = ("template", "aspects", "prompts", "labels")
    lines = [
        f"{key}.{taken}: is that of the parts in a notion that combines others; leave it out"
        for taken in own
        if getattr(notion, taken) is not None
    ]
    lines += [f"{key}.combine: {part!r} is listed twice" for part in _duplicates(parts)]
    plain = [other for other, settings in notions.items() if settings.combine is None]
    for part in dict.fromkeys(parts):
        if part == name:
            lines.append(f"{key}.combine: {name} cannot be a part of itself")
        elif part not in notions:
            lines.append(
                f"{key}.combine: {part!r} is no notion of the dataset; {suggest(part, plain)}"
            )
        elif part not in plain:
            lines.append(f"{key}.combine: {part} combines others itself; list those")
        elif notion.scored and not _labelled(part, notions[part], known):
            lines.append(f"{key}.combine: {part} has no labels; say scored: false here, too")
    if notion.weights is not None and notion.by == "union":
        lines.append(f"{key}.weights: are for by: stacked; a union is one fit to all prompts")
    elif notion.weights is not None and len(notion.weights) != len(parts):
        lines.append(
            f"{key}.weights: should be as many as in combine ({len(parts)}), "
            f"not {len(notion.weights)}"
        )
    return lines


def _none(name: str, dataset: "DatasetConfig", column: str) -> str:
    """That a dataset has no such labels."""
    if dataset.labels is None:
        return f"{name} has no notion {column!r}"
    return f"{dataset.labels} has no column {column!r} of names or integers"


def _label_lines(key: str, where: str, column: str, table: str) -> list[str]:
    """Whether a table of the user's own can be read, and has any label for a notion."""
    try:
        if has_label(Path(table), column):
            return []
    except LanzdmlError as error:
        return [f"{key}.labels: {error}"]
    return [
        f"{where}: {table} has no label in column {column!r}; if that is right, say scored: false"
    ]


def _prompt_lines(key: str, notion: "NotionConfig") -> list[str]:
    """Whether a notion has prompts in one of the two ways, and these can be read."""
    lines = [
        f"{key}.{name}: is for a notion with combine"
        for name in ("by", "weights")
        if getattr(notion, name) is not None
    ]
    ways = ("template", "aspects", "prompts")
    given = [name for name in ways if getattr(notion, name) is not None]
    if given == ["prompts"]:
        read, texts = read_prompts, notion.prompts
    elif given == ["template", "aspects"]:
        read, texts = read_aspects, notion.aspects
        rest = notion.template.replace(PLACEHOLDER, "", 1)
        if rest == notion.template or set(rest) & set("{}"):
            lines.append(
                f"{key}.template: must hold {PLACEHOLDER} once and no other braces, "
                f"not {notion.template!r}"
            )
    else:
        has = " and ".join(given) or "none of them"
        return [
            *lines,
            f"{key}: needs template and aspects, or else prompts, or else combine; it has {has}",
        ]
    if notion.aspects != FROM_LABELS:
        try:
            if len(read(texts)) == 1:
                lines.append(f"{key}.{given[-1]}: there is only one; a notion needs two or more")
        except LanzdmlError as error:
            lines.append(f"{key}.{given[-1]}: {error}")
    return lines


def _model_lines(key: str, model: "ModelConfig") -> list[str]:
    lines = []
    try:
        check_pretrained(model.architecture, model.pretrained)
    except LanzdmlError as error:
        lines.append(f"{key}.pretrained: {error}")
    try:
        read_architecture(model.architecture)
    except LanzdmlError as error:
        lines.append(f"{key}.architecture: {error}")
    return lines


def _experiments(config: "Config") -> Iterator[tuple[str, Any]]:
    """The sections below experiments and figures that are given, with their keys."""
    for group in ("experiments", "figures"):
        for name, section in getattr(config, group):
            if section is not None:
                yield f"{group}.{name}", section


def _experiment_lines(key: str, section: Any, config: "Config") -> list[str]:
    """Whether an experiment or a figure names only what the configuration has."""
    lines = []
    for name, allowed in (("models", config.models), ("methods", config.methods)):
        lines += [
            f"{key}.{name}: {value!r} is not in {name}; "
            + ("add it there, too" if value in METHODS else suggest(value, allowed))
            for value in getattr(section, name, None) or []
            if value not in allowed
        ]
    n_seeds = getattr(section, "seeds", None)
    if n_seeds is not None and n_seeds > len(config.seeds):
        lines.append(f"{key}.seeds: {n_seeds} is more than the {len(config.seeds)} seeds there are")
    lines += [
        f"{key}.{name}: {value!r} is listed twice"
        for name, values in section
        if isinstance(values, list)
        for value in _duplicates(values)
    ]
    model = getattr(section, "model", None)
    if model is not None and model not in config.models:
        lines.append(f"{key}.model: {model!r} is not in models; {suggest(model, config.models)}")
    dataset = getattr(section, "dataset", None)
    if dataset is None:
        return lines
    if dataset not in config.datasets:
        allowed = suggest(dataset, config.datasets)
        return [*lines, f"{key}.dataset: {dataset!r} is not in datasets; {allowed}"]
    notions = config.datasets[dataset].notions
    scored = [name for name, notion in notions.items() if notion.scored]
    drawn = key.startswith("figures.")
    kind, allowed = ("notion", notions) if drawn else ("scored notion", scored)
    lines += [
        f"{key}.notions: {name!r} is no {kind} of {dataset}; {suggest(name, allowed)}"
        for name in section.notions or []
        if name not in allowed
    ]
    if drawn and "indirect" not in config.methods:
        lines.append(f"{key}: shows what InDiReCT learned; list indirect in methods")
    if not drawn and not scored:
        lines.append(f"{key}.dataset: {dataset} has no scored notion")
    elif section.notions is None and all(notions[name].combine for name in allowed):
        lines.append(f"{key}.notions: is needed, as all {kind}s of {dataset} combine others")
    if key in _ONE_FIT:
        lines += [
            f"{key}.notions: {name} is stacked of several fits, and {_ONE_FIT[key]}; combine "
            "by: union is one fit"
            for name in section.notions or []
            if name in allowed and notions[name].combine and notions[name].by != "union"
        ]
    if key == "experiments.prompt_count":
        lines += _count_lines(key, section, {name: notions[name] for name in scored})
    return lines


def _count_lines(key: str, section: Any, notions: "dict[str, NotionConfig]") -> list[str]:
    """Whether there are as many prompts as are to be drawn, and methods that learn from them."""
    lines = [
        f"{key}.methods: {name} learns from images, not from prompts"
        for name in section.methods
        if name in METHODS and METHODS[name].supervised
    ]
    for name in section.notions or notions:
        notion = notions.get(name)
        # Where they are labels or those of several notions their number is not known yet.
        if notion is None or notion.combine or notion.aspects == FROM_LABELS:
            continue
        try:
            texts = read_prompts(notion.prompts) if notion.prompts else read_aspects(notion.aspects)
        except LanzdmlError:  # said above
            continue
        lines += [
            f"{key}.counts: {count} is not less than the {len(texts)} prompts of {name}; all "
            "of them are drawn anyway, as a line"
            for count in section.counts
            if count >= len(texts)
        ]
    return lines


def _sizes(config: "Config") -> Iterator[tuple[str, str, list[int]]]:
    """Models, and the dims that they are asked for under a key."""
    for name in config.main_models:
        yield name, "dims", config.dims
    for key, section in _experiments(config):
        if key == "experiments.dimensions":
            yield section.model or config.main_models[0], f"{key}.dims", section.dims
        elif key == "figures.saliency":
            yield section.model or config.main_models[0], key, [SALIENCY_DIM]
        elif key != "experiments.main":
            for name in getattr(section, "models", None) or [section.model]:
                if name is not None and name not in config.main_models:
                    yield name, "dims", config.dims[:1]


def _dim_lines(name: str, key: str, dims: list[int], config: "Config") -> list[str]:
    """Whether transformed embeddings are no larger than the model's own."""
    try:
        architecture = read_architecture(config.models[name].architecture)
    except (KeyError, LanzdmlError):  # said above
        return []
    if architecture is None:  # of the hub and not fetched yet: the fits will see
        return []
    embed_dim = architecture["embed_dim"]
    return [
        f"{key}[{position}]: {dim} is larger than the {embed_dim} dimensions of models.{name}"
        for position, dim in enumerate(dims)
        if dim > embed_dim
    ]
