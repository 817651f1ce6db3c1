"""The configuration: what config.yaml may hold, and one clear line for each thing wrong with it.

``python -m lanzdml.config`` prints the JSON schema (``resources/config.schema.json``), which
editors use for completion.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from lanzdml.datasets import DATASETS, find_dataset
from lanzdml.datasets.archives import is_archive
from lanzdml.datasets.raw import LAYOUTS
from lanzdml.errors import LanzdmlError, suggest
from lanzdml.manifest import NOT_NOTIONS
from lanzdml.methods import METHODS
from lanzdml.models import check_pretrained, read_architecture
from lanzdml.prompts import FROM_LABELS, PLACEHOLDER, read_aspects, read_prompts
from lanzdml.protocols import DEFAULT, PROTOCOLS

OWN_DATA = "docs/your-own.md"

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Count = Annotated[int, Field(ge=1)]
ProtocolName = Literal[*PROTOCOLS]


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
    raise ValueError("should be a list of strings or the path of a file")


class ConfigError(LanzdmlError):
    """All that is wrong with a configuration, one line each."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NotionConfig(_Section):
    """A similarity notion: its prompts are the template filled with each aspect, or written out."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["template", "aspects"]}, {"required": ["prompts"]}]
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
    scored: Annotated[
        bool,
        Field(description="false: prompts are embedded and methods fitted, without any labels"),
    ] = True


class DatasetConfig(_Section):
    """A dataset and the notions to evaluate on it."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["root"]}, {"required": ["labels"]}]}
    )

    root: Annotated[
        str | None,
        Field(
            description="folder, file or archive of the dataset; for images of your own, the "
            "folder of labels unless given"
        ),
    ] = None
    labels: Annotated[
        str | None,
        Field(description=f"table of images of your own, .csv or .parquet ({OWN_DATA})"),
    ] = None
    download: Annotated[
        bool, Field(description="fetch the archive into the folder root where it is not there")
    ] = False
    notions: Annotated[dict[Name, NotionConfig], Field(min_length=1)]


class ModelConfig(_Section):
    """A CLIP model of open_clip. The image size is the model's own."""

    architecture: Annotated[
        str,
        Field(
            description="open_clip model name or a model config (JSON); or a model with its "
            "weights: hf-hub:<org>/<repo> or local-dir:<folder>"
        ),
    ]
    pretrained: Annotated[
        str | None,
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


class Config(_Section):
    """A benchmark: every method on every notion of every dataset, per model, dim and seed."""

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
    embeddings: EmbeddingsConfig = EmbeddingsConfig()

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
    text = repr(value)
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
        return f"{where}: a name may hold letters, digits, '_', '.', '-' and starts with a letter or digit"  # noqa: E501
    if kind == "model_type":
        return f"{where}: should be a section with the keys {', '.join(_allowed_keys(location))}"
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{where or 'config'}: {message}, not {_shorten(error['input'])}"


def _duplicates(values: list) -> list:
    return sorted({value for value in values if values.count(value) > 1})


def _cross_checks(config: Config) -> list[str]:
    """What a schema cannot express."""
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
            lines += _prompt_lines(f"datasets.{name}.notions.{notion_name}", notion)
    for name, model in config.models.items():
        lines += _model_lines(f"models.{name}", model, config.dims)
    return lines


def _download_lines(key: str, name: str, dataset: DatasetConfig) -> list[str]:
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


def _protocol_lines(key: str, name: str, config: Config) -> list[str]:
    """Whether a protocol takes the prompts of a notion that is not there."""
    notions = config.datasets[name].notions
    return [
        f"{key}.notions.{notion}: the {protocol} protocol needs the prompts of {prompts}, too: "
        f"list {key}.notions.{prompts}"
        for notion in notions
        for protocol in config.protocols
        for prompts in sorted(
            {PROTOCOLS[protocol].sources(name, notion, method).prompts for method in config.methods}
        )
        if prompts not in notions
    ]


def _dataset_lines(key: str, name: str, dataset: DatasetConfig) -> list[str]:
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
        if notion_name in NOT_NOTIONS:
            lines.append(f"{where}: no notion can be called {notion_name}")
        elif notion_name not in known and (notion.scored or notion.aspects == FROM_LABELS):
            none = (
                f"{name} has no notion {notion_name!r}"
                if dataset.labels is None
                else f"{dataset.labels} has no column {notion_name!r} of names or integers"
            )
            advice = (
                "if the notion has no labels, say scored: false"
                if notion.scored
                else f"aspects: {FROM_LABELS} needs them"
            )
            lines.append(f"{where}: {none}; {suggest(notion_name, known)}; {advice}")
    return lines


def _prompt_lines(key: str, notion: NotionConfig) -> list[str]:
    """Whether a notion has prompts in one of the two ways, and these can be read."""
    lines = []
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
        return [f"{key}: needs template and aspects, or else prompts; it has {has}"]
    if notion.aspects != FROM_LABELS:
        try:
            read(texts)
        except LanzdmlError as error:
            lines.append(f"{key}.{given[-1]}: {error}")
    return lines


def _model_lines(key: str, model: ModelConfig, dims: list[int]) -> list[str]:
    lines = []
    try:
        check_pretrained(model.architecture, model.pretrained)
    except LanzdmlError as error:
        lines.append(f"{key}.pretrained: {error}")
    try:
        architecture = read_architecture(model.architecture)
    except LanzdmlError as error:
        return [*lines, f"{key}.architecture: {error}"]
    if architecture is None:  # of the hub and not fetched yet: the fits will see
        return lines
    embed_dim = architecture["embed_dim"]
    lines += [
        f"dims[{position}]: {dim} is larger than the {embed_dim} dimensions of {key}"
        for position, dim in enumerate(dims)
        if dim > embed_dim
    ]
    return lines


def parse_config(values: dict[str, Any]) -> Config:
    """Validate a configuration as it was read from YAML.

    Paths in it are relative to the working directory. Datasets themselves need not be there.

    Raises:
        ConfigError: with one line for each thing that is wrong, naming the key and what is allowed.
    """
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        raise ConfigError(sorted({_line(detail) for detail in details})) from None
    lines = _cross_checks(config)
    if lines:
        raise ConfigError(lines)
    return config


def json_schema() -> dict[str, Any]:
    """The JSON schema of a configuration, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
