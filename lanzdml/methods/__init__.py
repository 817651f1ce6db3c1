"""The registry of methods: a new method is one file in this folder and one line here.

A class is imported when it is asked for: listing the methods, or using one of them, runs no other
method's file. Methods of others, which a configuration names, come after ours
(:mod:`lanzdml.methods.elsewhere`).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lanzdml.errors import LanzdmlError, suggest
from lanzdml.methods import elsewhere
from lanzdml.names import METHOD_NAMES, one_line
from lanzdml.registry import Registry

if TYPE_CHECKING:
    from lanzdml.methods.base import Method

__all__ = ["METHODS", "PAPER_METHODS", "UnknownMethodError", "in_order", "method_on_paper"]


class UnknownMethodError(LanzdmlError, KeyError):
    """There is no method of this name; the message lists those there are."""

    __str__ = Exception.__str__  # KeyError would print the message in quotes


class Methods(Registry["Method"]):
    """Ours, and those of others that this process knows."""

    def __init__(self, **entries: str) -> None:
        super().__init__(__name__, **entries)

    def __getitem__(self, name: str) -> "type[Method]":
        guest = self.guest(name)
        return super().__getitem__(name) if guest is None else elsewhere.load_class(guest.source)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in elsewhere.guests()

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield from elsewhere.guests()

    def __len__(self) -> int:
        return super().__len__() + len(elsewhere.guests())

    def guest(self, name: str) -> elsewhere.Guest | None:
        """What is known of a method of others; None of ours."""
        return None if self.is_ours(name) else elsewhere.guests().get(name)

    def is_ours(self, name: str) -> bool:
        """Whether it is one of this package."""
        return super().__contains__(name)

    def code(self, name: str) -> "tuple[list[str | Path], str]":
        """Where a method's class is, modules or files, and what tells it from others there."""
        guest = self.guest(name)
        if guest is None:
            return [self.module(name)], self._entry(name)[1]
        return [*elsewhere.code_of(guest.source)], guest.source

    @property
    def class_names(self) -> dict[str, str]:
        """Class name to method name of ours, in the registry's order."""
        return {self._entry(name)[1]: name for name in super().__iter__()}

    def _entry(self, name: str) -> tuple[str, str]:
        if not self.is_ours(name):
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
    soft_subspace="soft_subspace:SoftSubspace",
    contrast_subspace="contrast_subspace:ContrastSubspace",
    null_space="null_space:NullSpace",
    ignore="ignore:Ignore",
    crl="crl:CRL",
    sqrt_posterior="sqrt_posterior:SqrtPosterior",
    text_lda="text_lda:TextLDA",
    splice="splice:SpLiCE",
    lda="lda:LDA",
    class_means="class_means:ClassMeans",
    few_shot_posterior="few_shot_posterior:FewShotPosterior",
)


def in_order(methods: Iterable[str]) -> list[str]:
    """Methods in the order of the registry, each once; those that it does not know come last."""
    wanted = dict.fromkeys(methods)
    return [*(name for name in METHODS if name in wanted), *(n for n in wanted if n not in METHODS)]


def method_on_paper(name: str) -> str:
    """A method's name as it is printed, in one line."""
    guest = METHODS.guest(name)
    return METHOD_NAMES.get(name) or (guest.title if guest else "") or one_line(name)
