"""Compute saliency maps of some images of a dataset, and their shares on the foreground."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lanzdml.arithmetic.threads import full_float32
from lanzdml.datasets.images import Images, read_foreground
from lanzdml.datasets.manifest import ID, MASK, positions_of
from lanzdml.embeddings.storage import WEIGHTS
from lanzdml.errors import LanzdmlError
from lanzdml.figures.saliency.gradients import (
    foreground_shares,
    scaled,
    smoothed_saliency,
    smoothing_noise,
)
from lanzdml.figures.saliency.maps import SaliencyMaps
from lanzdml.methods.base import Floats
from lanzdml.methods.indirect import InDiReCT
from lanzdml.transforms.storage import check_weights, load_transform

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from lanzdml.embeddings.clip import Clip

KEY = "figures.saliency.images"  # of the configuration


@dataclass(frozen=True)
class Choice:
    """Which images of a dataset have maps.

    Attributes:
        images: whose maps are kept: at least one id, or a number of images drawn at random.
        measured: the shares are those of that many images, drawn among those with a mask.
        seed: of the draws and of SmoothGrad's noise.
    """

    images: int | Sequence[str]
    measured: int
    seed: int

    def positions(self, manifest: pd.DataFrame) -> tuple[list[int], list[int]]:
        """Rows of a manifest: of the images whose maps are kept, and of those that are measured.

        Raises:
            LanzdmlError: there is no image of such an id.
        """
        order = np.random.default_rng(self.seed).permutation(len(manifest)).tolist()
        if isinstance(self.images, int):
            kept = order[: self.images]
        else:
            kept = positions_of(self.images, manifest, KEY)
        masks = _masks(manifest)
        return kept, [index for index in order if masks[index] is not None][: self.measured]


def _masks(manifest: pd.DataFrame) -> list[bytes | None]:
    return manifest[MASK].tolist() if MASK in manifest else [None] * len(manifest)


def read_projections(transforms: Mapping[str, Path], clip: "Clip") -> dict[str, Floats]:
    """U of each notion's fitted InDiReCT, (r, r').

    Args:
        transforms: a file a notion.
        clip: the model that they are used with.

    Raises:
        LanzdmlError: one was fitted to embeddings of another model, or is not InDiReCT's of one
            notion.
    """
    check_weights(transforms.values(), clip.description[WEIGHTS], "the model")
    projections = {}
    for notion, path in transforms.items():
        fitted = load_transform(path)
        if not isinstance(fitted, InDiReCT):
            raise LanzdmlError(f"{path} is no transform of InDiReCT for one notion: it has no U")
        projections[notion] = fitted.U_
    return projections


def compute_saliency(
    clip: "Clip",
    manifest: pd.DataFrame,
    root: Path,
    projections: Mapping[str, Floats],
    choice: Choice,
    linked: Sequence[str] = (),
) -> tuple[SaliencyMaps, list[dict[str, str | float | None]]]:
    """The maps of some images, and of more of them what share is on the foreground.

    An image's maps depend on the seed and its own id and pixels, not on what else is computed.

    Args:
        clip: the model.
        manifest: see :mod:`lanzdml.datasets.manifest`.
        root: the folder that paths are relative to.
        projections: for each notion U (r, r') of InDiReCT, see :func:`read_projections`.
        choice: of the images.
        linked: folders elsewhere that links in the root may lead to.

    Returns:
        The maps, and the shares, rows with the columns of
        :data:`lanzdml.figures.saliency.maps.SHARES`; none where there are no masks.

    Raises:
        LanzdmlError: there is no image of such an id, or an image or its mask cannot be used.
    """
    from tqdm import tqdm

    kept, measured = choice.positions(manifest)
    images = Images(manifest, root, linked)
    mapped_images = _MappedImages(clip, manifest, images, projections.values(), choice.seed)
    maps, shares = [], []
    # Those to be kept come first, in their order.
    for index in tqdm(dict.fromkeys([*kept, *measured]), unit="image", mininterval=1):
        mapped = mapped_images[index]
        if index in kept:
            maps.append(mapped)
        if index in measured:
            shares += [
                {
                    ID: mapped.image_id,
                    "notion": notion,
                    **foreground_shares(indirect, mapped.clip, mapped.mask),
                }
                for notion, indirect in zip(projections, mapped.indirect, strict=True)
            ]
    kept_maps = SaliencyMaps(
        images=np.stack([mapped.colors for mapped in maps]),
        clip=np.stack([mapped.clip for mapped in maps]),
        indirect=np.stack([mapped.indirect for mapped in maps]),
        masks=np.stack([mapped.mask for mapped in maps]),
        image_ids=[mapped.image_id for mapped in maps],
        notions=list(projections),
        dim=next(iter(projections.values())).shape[1],
    )
    return kept_maps, shares


@dataclass(frozen=True)
class _Mapped:
    """An image as the model sees it, its mask, and its maps: CLIP's and one a notion."""

    image_id: str
    colors: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    clip: NDArray[np.float32]
    indirect: NDArray[np.float32]


class _MappedImages:
    """The maps of a dataset's images, each computed when it is asked for.

    Args:
        clip: the model.
        manifest: of the images.
        images: its own.
        projections: U (r, r') of each notion.
        seed: of SmoothGrad's noise.
    """

    def __init__(
        self,
        clip: "Clip",
        manifest: pd.DataFrame,
        images: Images,
        projections: Iterable[Floats],
        seed: int,
    ) -> None:
        import torch

        self._clip, self._seed, self._ids = clip, seed, manifest[ID].tolist()
        self._images, self._masks = images, _masks(manifest)
        self._view = _View(clip)
        self._spaces = [None, *(torch.from_numpy(U).to(clip.device) for U in projections)]
        with torch.no_grad(), full_float32():
            black = self._view.black[None].to(clip.device)
            self._black = clip.model.encode_image(black).float()

    def __getitem__(self, index: int) -> _Mapped:
        image_id, image = self._ids[index], self._images[index]
        pixels = self._clip.preprocess(image)
        noise = smoothing_noise(pixels.shape, self._seed, image_id)
        with full_float32():
            raw = smoothed_saliency(self._clip, pixels, self._black, self._spaces, noise)
        clip, *indirect = (scaled(values) for values in raw)
        mask = np.zeros_like(clip, bool)
        encoded = self._masks[index]
        if encoded is not None:
            drawn = read_foreground(encoded, f"mask of image {image_id}")
            mask = self._view.mask(drawn, image, image_id)
        return _Mapped(image_id, self._view.colors(pixels), mask, clip, np.stack(indirect))


class _View:
    """How a model sees images: resized and cropped, with values of its own for black and white."""

    def __init__(self, clip: "Clip") -> None:
        from PIL import Image

        self._preprocess = clip.preprocess
        self.black, self._white = (
            clip.preprocess(Image.new("RGB", (8, 8), color)) for color in ("black", "white")
        )

    def colors(self, pixels: "Tensor") -> NDArray[np.uint8]:
        """A model's input (3, height, width) as an image (height, width, 3)."""
        share = (pixels - self.black) / (self._white - self.black)
        return (255 * share).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()

    def mask(
        self, foreground: NDArray[np.bool_], image: "Image", image_id: str
    ) -> NDArray[np.bool_]:
        """A foreground, resized and cropped as its image is."""
        from PIL.Image import fromarray

        height, width = foreground.shape
        if (width, height) != image.size:
            raise LanzdmlError(
                f"mask of image {image_id} has {width} x {height} pixels, but the image has "
                f"{image.width} x {image.height}; give it the same size"
            )
        return self.colors(self._preprocess(fromarray(foreground).convert("RGB")))[..., 0] >= 128
