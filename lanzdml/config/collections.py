"""Collections: vectors of images without labels, to which a method's transform is applied."""

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from lanzdml.config.choice import Choice, ModelOfTables, check_methods, check_names
from lanzdml.config.methods import MethodName
from lanzdml.config.section import Name, OneDim
from lanzdml.config.vectors import VectorsConfig, as_section, check_shape
from lanzdml.embeddings.vectors.reading import Kind, Source, is_torch, read_source, sources_of
from lanzdml.errors import LanzdmlError
from lanzdml.methods import METHODS

if TYPE_CHECKING:
    from lanzdml.config.benchmark import Benchmark

# A shard's name is on the command line of its job, and in the names of its files.
SHARD_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,149}"


class CollectionConfig(Choice):
    """Vectors of images without labels, and which of the methods is applied to them."""

    vectors: Annotated[
        VectorsConfig,
        Field(description="a file, or a folder of files, of which each is a job"),
        BeforeValidator(as_section, json_schema_input_type=str | VectorsConfig),
    ]
    dataset: Annotated[Name, Field(description="whose notion it is")]
    notion: Annotated[Name, Field(description="by which images are to be near to each other")]
    method: Annotated[MethodName, Field(description="one of the methods")]
    model: ModelOfTables = None
    dim: Annotated[OneDim | None, Field(description="r'; the first of the dims unless given")] = (
        None
    )
    seed: Annotated[
        int | None, Field(description="of the fit; the first of the seeds unless given")
    ] = None
    index: Annotated[
        bool, Field(description="true: a faiss index is written, too, for which faiss is needed")
    ] = False

    def shards(self) -> dict[str, Source]:
        """The files of its vectors, by their names without a suffix, in their order.

        Raises:
            LanzdmlError: there are none, or one has a name that no shard can have, or is a link to
                a file elsewhere.
        """
        path = Path(self.vectors.file)
        if not path.exists():
            raise LanzdmlError(f"there is no {path}")
        shards: dict[str, Source] = {}
        for source in sources_of(path):
            name = source.file.stem
            if not re.fullmatch(SHARD_NAME, name):
                raise LanzdmlError(
                    f"{source.file}: name it with letters a to z, digits, '_', '.' and '-' only, a "
                    "letter or digit first, and with 150 of all at most"
                )
            if name in shards:
                raise LanzdmlError(f"{shards[name].file} and {source.file}: rename one of them")
            for file in filter(None, source):
                _check_lies_in(file, path)
            shards[name] = source
        return shards

    def check(self, key: str, config: "Benchmark") -> list[str]:
        """Whether what it chooses is there, and can be applied to files one by one."""
        lines = super().check(key, config)
        lines += check_names(f"{key}.dataset", [self.dataset], "datasets", config.datasets)
        lines += check_names(f"{key}.model", self.models_used(config), "models", config.models)
        lines += check_methods(f"{key}.method", [self.method], config)
        if self.dataset in config.datasets:
            known = config.datasets[self.dataset].notions
            lines += check_names(
                f"{key}.notion", [self.notion], f"datasets.{self.dataset}.notions", known
            )
        if self.index and find_spec("faiss") is None:
            lines.append(
                f"{key}.index: needs faiss, which is not installed: install lanzdml's extra index, "
                "or faiss-cpu, or leave it out"
            )
        if lines or self.method not in METHODS:  # a line of its own
            return lines
        return [*self._check_fit(key, config), *self._check_vectors(key, config)]

    def _check_fit(self, key: str, config: "Benchmark") -> list[str]:
        method, lines = METHODS[self.method], []
        if method.by_position or method.transductive:
            why = (
                "goes by the position of an image"
                if method.by_position
                else "makes a vector of the other images, too, and not file by file"
            )
            lines.append(f"{key}.method: {self.method} {why}; choose another")
        notion = config.datasets[self.dataset].notions[self.notion]
        if method.supervised and not notion.scored:
            lines.append(f"{key}.method: {self.method} sees labels, and {self.notion} has none")
        if self.dim is not None and not method.has_dim:
            lines.append(f"{key}.dim: {self.method} keeps the model's own size; leave it out")
        if self.seed is not None and method.deterministic:
            lines.append(f"{key}.seed: {self.method} is the same for every seed; leave it out")
        elif self.seed is not None:
            seeds = [*map(str, config.seeds)]
            lines += check_names(f"{key}.seed", [str(self.seed)], "seeds", seeds)
        return lines

    def _check_vectors(self, key: str, config: "Benchmark") -> list[str]:
        """Whether its first vectors are such as the model makes; the jobs see the others."""
        (name,) = self.models_used(config)
        dims: dict[str, tuple[str, int]] = {}
        if (of_model := config.models[name].embed_dim) is not None:
            dims[name] = (f"models.{name}", of_model)
        elif given := config.datasets[self.dataset].vectors.get(name):
            check_shape(f"datasets.{self.dataset}.vectors", given, Kind.IMAGES, None, dims, name)
        lines = []
        try:
            first, *_ = self.shards().values()
            if not is_torch(first.file):
                of_vectors = read_source(
                    first, column=self.vectors.column, id_column=self.vectors.id
                ).shape[1]
                who, dim = dims.setdefault(name, (key, of_vectors))
                if of_vectors != dim:
                    lines.append(
                        f"{key}.vectors: {first.file} holds vectors of {of_vectors:,} dimensions, "
                        f"but those of {who} have {dim:,}"
                    )
        except LanzdmlError as error:
            lines.append(f"{key}.vectors: {error}")
        if isinstance(self.dim, int) and name in dims and self.dim > dims[name][1]:
            lines.append(
                f"{key}.dim: {self.dim} is larger than the {dims[name][1]} dimensions of "
                f"{dims[name][0]}"
            )
        return lines

    def implied(self, config: "Benchmark") -> dict[str, Any]:
        """The first model of the tables, and the first dim and seed where the method has such."""
        method = METHODS[self.method]
        return {
            "model": config.main_models[0],
            "dim": config.dims[0] if method.has_dim else None,
            "seed": None if method.deterministic else config.seeds[0],
        }

    def models_used(self, config: "Benchmark") -> list[str]:
        """The one."""
        return [self.model or config.main_models[0]]


def _check_lies_in(file: Path, folder: Path) -> None:
    """A folder of somebody else's may hold links, which would put other files into the results."""
    real = os.path.realpath(file)
    if not Path(real).is_relative_to(os.path.realpath(folder)):
        raise LanzdmlError(
            f"{file} is a link to {real}, outside of {folder}: name the folder that the files "
            "themselves lie in"
        )
