"""The configuration: what config.yaml may hold, and one clear line for each thing wrong with it.

``python -m lanzdml.config.config`` prints the JSON schema (``resources/config.schema.json``), which
editors use for completion.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from lanzdml.config.checks import OWN_DATA, cross_checks
from lanzdml.embeddings.prompts import FROM_LABELS, PLACEHOLDER
from lanzdml.errors import LanzdmlError, suggest
from lanzdml.metrics.protocols import DEFAULT, PROTOCOLS

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Count = Annotated[int, Field(ge=1)]
ProtocolName = Literal[*PROTOCOLS]
MOST_DRAWN = 20  # images or queries in one figure


def _protocols(value: Any) -> Any:
    """One error for what is neither a name nor a list of them, in place of one for each kind."""
    names = value if isinstance(value, list) else [value]
    if names and all(isinstance(name, str) and name in PROTOCOLS for name in names):
        return value
    raise ValueError(f"should be {' or '.join(PROTOCOLS)}, or a list of them")


def _texts(value: Any) -> Any:
    """One error for what is neither of the two kinds, in place of one for each kind."""
    if isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(text, str) for text in value)
    ):
        return value
    hint = "; yes, no and numbers need quotes" if isinstance(value, list) else ""
    raise ValueError(f"should be a list of strings or the path of a file{hint}")


def _without_braces(value: str) -> str:
    """A path that Snakemake takes as it is, not for a pattern."""
    if set(value) & set("{}"):
        raise ValueError("should have no braces")
    return value


def _folder(value: str) -> str:
    """A folder that holds results only, so that nothing else is lost with it."""
    if os.path.normpath(value) in {".", "..", "/"} or value.startswith("~"):
        raise ValueError("should be a folder for nothing else, such as results/mine")
    return os.path.normpath(value)


PathName = Annotated[str, AfterValidator(_without_braces)]


def _how_many(value: Any) -> Any:
    """One error for what is neither of the two kinds, in place of one for each kind."""
    ids = isinstance(value, list) and all(isinstance(text, str) for text in value)
    number = isinstance(value, int) and not isinstance(value, bool)
    if (ids or number) and 0 < (len(value) if ids else value) <= MOST_DRAWN:
        return value
    raise ValueError(
        f"should be a number from 1 to {MOST_DRAWN}, or a list of so many image ids (strings)"
    )


class ConfigError(LanzdmlError):
    """All that is wrong with a configuration, one line each."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NotionConfig(_Section):
    """A similarity notion: its prompts are the template filled with each aspect, or written out.

    A combined one is made of several others.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["template", "aspects"]},
                {"required": ["prompts"]},
                {"required": ["combine"]},
            ]
        }
    )

    template: Annotated[
        str | None, Field(description=f"prompt with {PLACEHOLDER} for the aspect")
    ] = None
    aspects: Annotated[
        list[str] | str | None,
        Field(
            description="the aspects; or a file of them: .txt, one a line, or .csv, column "
            f"aspect; or the word {FROM_LABELS}: the distinct labels of the dataset's images"
        ),
        BeforeValidator(_texts),
    ] = None
    prompts: Annotated[
        list[str] | str | None,
        Field(
            description="in place of template and aspects: the prompts; or a file of them: .txt, "
            "one a line, or .csv, column prompt"
        ),
        BeforeValidator(_texts),
    ] = None
    labels: Annotated[
        str | None,
        Field(description="the notion or column that its labels are of; its own name unless given"),
    ] = None
    combine: Annotated[
        list[str] | None,
        Field(
            min_length=2,
            description="in place of prompts: two or more notions of the dataset, which images are "
            "to agree in at once",
        ),
    ] = None
    by: Annotated[
        Literal["stacked", "union"] | None,
        Field(
            description="how combine does it. stacked, unless given: what each method learned for "
            "the parts, side by side; union: one fit to the prompts of all parts"
        ),
    ] = None
    weights: Annotated[
        list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None,
        Field(description="of the parts in a stack, as many as in combine; equal unless given"),
    ] = None
    scored: Annotated[
        bool,
        Field(description="false: prompts are embedded and methods fitted, without any labels"),
    ] = True
    sampled_classes: Annotated[
        bool,
        Field(
            description="true: the classes are a sample of more, as species and car models are; "
            "differences get an interval for other classes, too"
        ),
    ] = False


class DatasetConfig(_Section):
    """A dataset and the notions to evaluate on it."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["root"]}, {"required": ["labels"]}]}
    )

    root: Annotated[
        PathName | None,
        Field(
            description="folder, file or archive of the dataset; for images of your own, the "
            "folder of labels unless given"
        ),
    ] = None
    labels: Annotated[
        PathName | None,
        Field(description=f"table of images of your own, .csv or .parquet ({OWN_DATA})"),
    ] = None
    download: Annotated[
        bool, Field(description="fetch the archive into the folder root where it is not there")
    ] = False
    on_unreadable: Annotated[
        Literal["fail", "skip"],
        Field(
            description="skip: images that cannot be read are left out and listed in excluded.csv; "
            "every image is decoded once more for this"
        ),
    ] = "fail"
    shards: Annotated[
        Count, Field(description="how many jobs share the dataset's images when they are embedded")
    ] = 1
    notions: Annotated[dict[Name, NotionConfig], Field(min_length=1)]


class ModelConfig(_Section):
    """A CLIP model of open_clip. The image size is the model's own."""

    architecture: Annotated[
        PathName,
        Field(
            description="open_clip model name or a model config (JSON); or a model with its "
            "weights: hf-hub:<org>/<repo> or local-dir:<folder>"
        ),
    ]
    pretrained: Annotated[
        PathName | None,
        Field(
            description="open_clip's tag for the weights, or a safetensors checkpoint; nothing "
            "for a model with its weights"
        ),
    ] = None


class EmbeddingsConfig(_Section):
    """How embeddings are computed."""

    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(description="auto: CUDA where there is one")
    ] = "auto"
    batch_size: Annotated[Count, Field(description="images a batch")] = 256
    workers: Annotated[
        int, Field(ge=0, description="processes that decode images; 0: in the main process")
    ] = 2


ModelOfTables = Annotated[
    str | None, Field(description="name of a model; the first of the tables unless given")
]
SomeMethods = Annotated[
    list[str] | None, Field(min_length=1, description="all methods unless given")
]


class MainExperiment(_Section):
    """What the tables hold: every method on every scored notion, per model, dim and seed."""

    models: Annotated[
        list[str] | None, Field(min_length=1, description="all models unless given")
    ] = None


class _Ablation(_Section):
    dataset: Annotated[str, Field(description="name of a dataset")]
    notions: Annotated[
        list[str] | None,
        Field(
            min_length=1,
            description="all scored notions of the dataset unless given, but combined ones",
        ),
    ] = None
    seeds: Annotated[
        Count | None, Field(description="how many of the seeds, from the first; all unless given")
    ] = None


class DimensionsExperiment(_Ablation):
    """Scores over the size of the embedding (the paper's figure 3)."""

    model: ModelOfTables = None
    methods: SomeMethods = None
    dims: Annotated[list[Count], Field(min_length=1, description="sizes r'")]


class ClipSizeExperiment(_Ablation):
    """Scores over several models, at the first of the dims (the paper's figure 4)."""

    models: Annotated[list[str], Field(min_length=1, description="names of models, in order")]
    methods: SomeMethods = None


class PromptCountExperiment(_Ablation):
    """Scores over the number of prompts, at the first of the dims (the paper's figure 5)."""

    model: ModelOfTables = None
    methods: Annotated[
        list[str], Field(min_length=1, description="methods that learn from prompts")
    ] = ["indirect"]
    counts: Annotated[
        list[Count],
        Field(min_length=1, description="numbers of prompts, drawn anew for each seed"),
    ]


class ExperimentsConfig(_Section):
    """Which runs are made: those of the tables, and those of the ablation figures."""

    main: MainExperiment = MainExperiment()
    dimensions: DimensionsExperiment | None = None
    clip_size: ClipSizeExperiment | None = None
    prompt_count: PromptCountExperiment | None = None


class _Picture(_Section):
    dataset: Annotated[str, Field(description="name of a dataset")]
    model: ModelOfTables = None
    notions: Annotated[
        list[str] | None,
        Field(
            min_length=1,
            description="all notions of the dataset unless given, scored or not, but combined ones",
        ),
    ] = None


class TrimapFigure(_Picture):
    """TriMap of CLIP's and InDiReCT's embeddings, for each notion."""


class SaliencyFigure(_Picture):
    """What InDiReCT attends to more than CLIP, for each notion (the paper's figure 2)."""

    images: Annotated[
        Count | list[str],
        Field(description="how many images to draw, or the ids of some"),
        BeforeValidator(_how_many),
    ] = 6
    measured: Annotated[
        Count,
        Field(description="on how many images the share on the foreground is measured, with masks"),
    ] = 100


class GalleryFigure(_Picture):
    """The nearest images of a few queries, under CLIP and under InDiReCT for each notion."""

    queries: Annotated[
        Count | list[str],
        Field(description="how many queries, or the ids of some images"),
        BeforeValidator(_how_many),
    ] = 3


class FiguresConfig(_Section):
    """Pictures of one dataset: InDiReCT at the first of the dims and seeds beside CLIP."""

    trimap: TrimapFigure | None = None
    saliency: SaliencyFigure | None = None
    gallery: GalleryFigure | None = None


class Config(_Section):
    """A benchmark: every method on every notion of every dataset, per model, dim and seed."""

    results: Annotated[
        PathName,
        Field(min_length=1, description="folder of all results, of this configuration only"),
        AfterValidator(_folder),
    ] = "results"
    datasets: Annotated[dict[Name, DatasetConfig], Field(min_length=1)]
    models: Annotated[dict[Name, ModelConfig], Field(min_length=1)]
    methods: Annotated[list[str], Field(min_length=1)]
    dims: Annotated[
        list[Count],
        Field(min_length=1, description="sizes r' of the transformed embeddings"),
    ]
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**32)]], Field(min_length=1)]
    protocol: Annotated[
        ProtocolName | Annotated[list[ProtocolName], Field(min_length=1)],
        Field(description="paper: as its text says; released: as its public code does; or both"),
        BeforeValidator(_protocols),
    ] = DEFAULT
    experiments: ExperimentsConfig = ExperimentsConfig()
    figures: FiguresConfig = FiguresConfig()
    embeddings: EmbeddingsConfig = EmbeddingsConfig()

    @property
    def main_models(self) -> list[str]:
        """The models of the tables."""
        return self.experiments.main.models or list(self.models)

    @property
    def protocols(self) -> list[str]:
        """The protocol, or protocols, as a list."""
        return self.protocol if isinstance(self.protocol, list) else [self.protocol]


def _dotted(location: tuple[str | int, ...]) -> str:
    path = ""
    for part in location:
        if part == "[key]":  # pydantic's own step, no key of the user
            continue
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _shorten(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _allowed_keys(location: tuple[str | int, ...]) -> list[str]:
    """Keys of the section that a location points into."""
    section: Any = Config
    for part in location:
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return []
        field = section.model_fields.get(str(part))
        if field is None:
            # the user's own name of a dataset, notion or model: stay at its section
            continue
        section = _section_of(field.annotation) or section
    return list(section.model_fields)


def _section_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (section := _section_of(argument)) is not None:
            return section
    return None


def _line(error: dict[str, Any]) -> str:
    location, kind = error["loc"], error["type"]
    where = _dotted(location)
    if kind == "extra_forbidden":
        return f"{where}: unknown key; {suggest(str(location[-1]), _allowed_keys(location[:-1]))}"
    if kind == "missing":
        return f"{where}: is missing"
    if location and location[-1] == "[key]":
        return (
            f"{where}: a name may hold letters a to z and A to Z, digits, '_', '.', '-' and starts "
            "with a letter or digit"
        )
    if kind == "model_type":
        return f"{where}: should be a section with the keys {', '.join(_allowed_keys(location))}"
    if kind in ("too_short", "dict_too_short"):
        least = error["ctx"]["min_length"]
        return f"{where}: should have at least {'one entry' if least == 1 else f'{least} entries'}"
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{where or 'config'}: {message}, not {_shorten(error['input'])}"


def parse_config(values: dict[str, Any]) -> Config:
    """Validate a configuration as it was read from YAML; what it implies is written out.

    Paths in it are relative to the working directory. Datasets themselves need not be there, but
    the user's own tables of labels.

    Raises:
        ConfigError: with one line for each thing that is wrong, naming the key and what is allowed.
    """
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ConfigError(sorted({_line(detail) for detail in details})) from None
    lines = list(dict.fromkeys(cross_checks(config)))
    if lines:
        raise ConfigError(lines)
    return _resolved(config)


class _UniqueKeys(yaml.SafeLoader):
    """Of equal keys YAML's own takes the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key in brackets or braces; text with these needs quotes",
                    problem_mark=key.start_mark,
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def check_file(path: str | os.PathLike[str]) -> None:
    """Check that a file is YAML with keys at the top, none of them twice.

    Raises:
        ConfigError: it is not, or there is no such file.
    """
    try:
        values = yaml.load(Path(path).read_text(encoding="utf-8"), _UniqueKeys)
    except FileNotFoundError:
        raise ConfigError([f"there is no file {path}; --configfile names another one"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path} cannot be read: {error}"]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        raise ConfigError([f"{path}, line {line}: {error.problem}"]) from None
    except (yaml.YAMLError, ValueError) as error:  # the latter of a date that does not exist
        raise ConfigError([f"{path} is no YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(values, dict):
        raise ConfigError([f"{path} holds no keys; docs/configuration.md explains them"])


def _resolved(config: Config) -> Config:
    """The configuration with what notions, experiments and figures imply written out."""
    groups = {
        "datasets": {
            key: dataset.model_copy(
                update={"notions": {name: _whole(n) for name, n in dataset.notions.items()}}
            )
            for key, dataset in config.datasets.items()
        }
    }
    for name in ("experiments", "figures"):
        group = getattr(config, name)
        sections = {
            key: section.model_copy(update=_implied(section, config))
            for key, section in group
            if section is not None
        }
        groups[name] = group.model_copy(update=sections)
    return config.model_copy(update=groups)


def _whole(notion: NotionConfig) -> NotionConfig:
    """A notion with the way it is combined in, if it is."""
    if notion.combine is None:
        return notion
    by = notion.by or "stacked"
    equal = [1.0] * len(notion.combine) if by == "stacked" else None
    return notion.model_copy(update={"by": by, "weights": notion.weights or equal})


def _implied(section: _Section, config: Config) -> dict[str, Any]:
    """What is not given in an experiment or a figure and can be implied."""
    implied = {
        "models": config.main_models,
        "model": config.main_models[0],
        "methods": config.methods,
        "seeds": len(config.seeds),
    }
    if not isinstance(section, MainExperiment):
        implied["notions"] = [
            name
            for name, notion in config.datasets[section.dataset].notions.items()
            if (notion.scored or isinstance(section, _Picture)) and notion.combine is None
        ]
    return {key: implied[key] for key, value in section if value is None and key in implied}


def json_schema() -> dict[str, Any]:
    """The JSON schema of a configuration, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
