"""The registry of methods: a new method is one file in this folder and one line here.

A class is imported when it is asked for: listing the methods, or using one of them, runs no other
method's file.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lanzdml.errors import LanzdmlError, suggest
from lanzdml.registry import Registry

if TYPE_CHECKING:
    from lanzdml.methods.base import Method

__all__ = ["METHODS", "PAPER_METHODS", "UnknownMethodError", "in_order"]


class UnknownMethodError(LanzdmlError, KeyError):
    """There is no method of this name; the message lists those there are."""

    __str__ = Exception.__str__  # KeyError would print the message in quotes


class Methods(Registry["Method"]):
    """The registry of methods, which also knows what their classes are called."""

    def __init__(self, **entries: str) -> None:
        super().__init__(__name__, **entries)

    def class_name(self, name: str) -> str:
        """Name of the class of a method."""
        _, class_name = self._entry(name)
        return class_name

    @property
    def class_names(self) -> dict[str, str]:
        """Class name to method name, in the registry's order."""
        return {self.class_name(name): name for name in self}

    def _entry(self, name: str) -> tuple[str, str]:
        if name not in self:
            raise UnknownMethodError(f"there is no method {name!r}; {suggest(name, self)}")
        return super()._entry(name)


QUICK = "quick"
"""In place of a method's name: all whose fits are shorter than the start of a process."""

PAPER_METHODS = ("random", "clip", "indirect", "random_transform", "pca", "lae", "ae", "oracle")
"""The paper's eight, in the order of its columns (Table 2): what its tables show."""

# The paper's, then those beyond it; "module in this folder:class".
METHODS = Methods(
    random="random:Random",
    clip="clip:CLIP",
    indirect="indirect:InDiReCT",
    random_transform="random_transform:RandomTransform",
    pca="pca:PCA",
    lae="lae:LinearAutoencoder",
    ae="ae:Autoencoder",
    oracle="oracle:Oracle",
    text_subspace="text_subspace:TextSubspace",
    pca_rank="pca_rank:PCARank",
    indirect_svd="indirect_svd:InDiReCTSVD",
    prompt_posterior="prompt_posterior:PromptPosterior",
    clay="clay:CLAY",
)


def in_order(methods: Iterable[str]) -> list[str]:
    """Methods in the order of the registry, each once."""
    wanted = set(methods)
    return [name for name in METHODS if name in wanted]
