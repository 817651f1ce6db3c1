"""Protocols: how fits become scores, as the paper's text says and as its public code does.

``paper`` is the text: images and texts of unit length, neighbours by cosine, every notion with its
own prompts and labels. ``released`` repeats what the authors' public code does instead, so that a
reader can see which published numbers come of it:

- Images are not scaled to unit length, and neighbours are those by Euclidean distance. This is seen
  in CLIP, PCA, LAE and AE; the paper's other methods scale their output, whatever the input. Of
  those beyond the paper it is seen in PCA (rank) and prompt posterior.
- CUB200's bird species are evaluated on the images whose file name begins with the name of their
  class, case and all: 4,462 of 5,924.
- DeepFashion's texture, fabric and fit were run with the prompts and labels of the clothing
  category in the columns Rand. trans. and AE.

In both every image is a query to all others. ``query_gallery`` is the text, but that a dataset's
queries rank its gallery only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Literal

DEFAULT, RELEASED, QUERY_GALLERY = "paper", "released", "query_gallery"


@dataclass(frozen=True)
class UsedNotions:
    """The notions that a run takes its prompts and its labels from."""

    prompts: str
    labels: str


@dataclass(frozen=True)
class Protocol:
    """How images are handed to a transform, how the result is compared, and what is mixed up.

    Attributes:
        unit_images: images are scaled to unit length first.
        distance: what neighbours and clusters are found by.
        instead: by (dataset, notion, method), the sources of runs that do not use their own notion.
        split: some images are queries and the others, the gallery, their references; otherwise
            every image is a query to all others.
    """

    unit_images: bool
    distance: Literal["cosine", "euclidean"]
    instead: Mapping[tuple[str, str, str], UsedNotions] = field(default_factory=dict)
    split: bool = False

    def notions_used(self, dataset: str, notion: str, method: str) -> UsedNotions:
        """Where a run of a notion really takes its prompts and labels from."""
        for key in ((dataset, notion, method), (dataset, notion, _ANY)):
            if key in self.instead:
                return self.instead[key]
        return UsedNotions(notion, notion)


_ANY = "*"
_SLIPS = product(("texture", "fabric", "fit"), ("random_transform", "ae"))

PROTOCOLS: dict[str, Protocol] = {
    DEFAULT: Protocol(unit_images=True, distance="cosine"),
    RELEASED: Protocol(
        unit_images=False,
        distance="euclidean",
        instead={
            ("cub200", "bird_species", _ANY): UsedNotions(
                "bird_species", "bird_species_case_matched"
            ),
            **{
                ("deepfashion", notion, method): UsedNotions(
                    "clothing_category", "clothing_category"
                )
                for notion, method in _SLIPS
            },
        },
    ),
    QUERY_GALLERY: Protocol(unit_images=True, distance="cosine", split=True),
}
