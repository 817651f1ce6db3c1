"""Where an embedding space looks in an image: InDiReCT's saliency minus CLIP's (section 6).

A map says how much each pixel moves the image's embedding away from that of a black image (Kobs et
al., "Do Different Deep Metric Learning Losses Lead to Similar Learned Features?", 2021), smoothed
over noisy copies of the image (SmoothGrad, Smilkov et al., 2017).
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lanzdml.arithmetic.threads import full_float32
from lanzdml.datasets.images import Images, read_image
from lanzdml.datasets.manifest import ID, MASK, positions_of
from lanzdml.embeddings.storage import WEIGHTS
from lanzdml.errors import LanzdmlError
from lanzdml.files import replacing
from lanzdml.transforms.storage import check_weights, load_transform

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from lanzdml.embeddings.clip import Clip

KEY = "figures.saliency.images"  # of the configuration
N_SAMPLES = 25
NOISE = 0.15  # standard deviation, as a share of the range of the input's values
PERCENTILE = 99  # of a map: what is higher counts as high

SHARES = pa.schema([
    (ID, pa.string()),
    ("notion", pa.string()),
    ("difference", pa.float64()),
    ("indirect", pa.float64()),
    ("clip", pa.float64()),
    ("area", pa.float64()),
])  # fmt: skip
"""The columns of the file of shares, a row an image and notion.

All are shares of what is on the foreground: of the positive difference of the two maps, of each
map, and of the pixels. The difference's is null where no pixel has a positive one.
"""

_TENSORS = ("images", "clip", "indirect", "masks")


@dataclass(frozen=True)
class SaliencyMaps:
    """The maps of some images as :func:`compute_saliency` stores them; values are in [0, 1].

    Attributes:
        images: (n, height, width, 3) uint8, as the model sees them: resized and cropped.
        clip: (n, height, width) float32.
        indirect: (n, number of notions, height, width) float32.
        masks: (n, height, width) bool, the foreground; all False where an image has no mask.
        image_ids: of the n images.
        notions: names, in the order of ``indirect``.
        dim: r' of InDiReCT.
    """

    images: NDArray[np.uint8]
    clip: NDArray[np.float32]
    indirect: NDArray[np.float32]
    masks: NDArray[np.bool_]
    image_ids: list[str]
    notions: list[str]
    dim: int

    @property
    def difference(self) -> NDArray[np.float32]:
        """InDiReCT's maps minus CLIP's, of the shape of ``indirect``; in [-1, 1]."""
        return self.indirect - self.clip[:, None]


def compute_saliency(
    clip: "Clip",
    manifest: pd.DataFrame,
    root: Path,
    transforms: Mapping[str, Path],
    *,
    images: int | Sequence[str],
    measured: int,
    seed: int,
    maps_file: Path,
    shares_file: Path,
) -> None:
    """Store the maps of some images, and on more of them what share is on the foreground.

    An image's maps depend on the seed and its own id and pixels, not on what else is computed.

    Args:
        clip: the model.
        manifest: see :mod:`lanzdml.datasets.manifest`.
        root: the folder that paths are relative to.
        transforms: for each notion the file of its fitted InDiReCT.
        images: whose maps are stored: at least one id, or a number of images drawn at random.
        measured: the shares are those of that many images, drawn among those with a mask.
        seed: of the draws and of SmoothGrad's noise.
        maps_file: read it with :func:`read_maps`; the metadata describes the model, too.
        shares_file: parquet with the columns :data:`SHARES`; no rows where there are no masks.

    Raises:
        LanzdmlError: there is no image of such an id, or an image or its mask cannot be used.
    """
    import torch
    from safetensors.numpy import save_file
    from tqdm import tqdm

    check_weights(transforms.values(), clip.description[WEIGHTS], "the model")
    projections = [load_transform(path).U_ for path in transforms.values()]
    spaces = [None, *(torch.from_numpy(U).to(clip.device) for U in projections)]
    order = np.random.default_rng(seed).permutation(len(manifest)).tolist()
    drawn = order[:images] if isinstance(images, int) else positions_of(images, manifest, KEY)
    masks = manifest[MASK].tolist() if MASK in manifest else [None] * len(manifest)
    sample = [index for index in order if masks[index] is not None][:measured]

    view = _View(clip)
    with torch.no_grad(), full_float32():
        black = clip.model.encode_image(view.black[None].to(clip.device)).float()
    files = Images(manifest, root)
    stored, shares = [], []
    # Those to be stored come first, in their order.
    for index in tqdm(dict.fromkeys([*drawn, *sample]), unit="image", mininterval=1):
        image_id, image = manifest[ID].iloc[index], files[index]
        pixels = clip.preprocess(image)
        noise = smoothing_noise(pixels.shape, seed, image_id)
        with full_float32():
            raw = smoothed_saliency(clip, pixels, black, spaces, noise)
        maps = [scaled(values) for values in raw]
        mask = np.zeros_like(maps[0], bool)
        if masks[index] is not None:
            mask = view.mask(read_image(masks[index], f"mask of image {image_id}"), image, image_id)
        if index in drawn:
            stored.append((view.colors(pixels), maps[0], np.stack(maps[1:]), mask))
        if index in sample:
            shares += [
                {ID: image_id, "notion": notion, **foreground_shares(indirect, maps[0], mask)}
                for notion, indirect in zip(transforms, maps[1:], strict=True)
            ]

    tensors = {
        # safetensors stores memory as it lies.
        name: np.ascontiguousarray(np.stack(arrays))
        for name, arrays in zip(_TENSORS, zip(*stored, strict=True), strict=True)
    }
    described = {
        "image_ids": manifest[ID].iloc[drawn].tolist(),
        "notions": list(transforms),
        "dim": projections[0].shape[1],
        "seed": seed,
    }
    metadata = {key: json.dumps(value) for key, value in described.items()} | clip.description
    with replacing(maps_file) as temporary:
        save_file(tensors, temporary, metadata)
    with replacing(shares_file) as temporary:
        pq.write_table(pa.Table.from_pylist(shares, SHARES), temporary)


def read_maps(path: str | os.PathLike[str]) -> SaliencyMaps:
    """The maps that :func:`compute_saliency` stored."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        described = {key: json.loads(metadata[key]) for key in ("image_ids", "notions", "dim")}
        return SaliencyMaps(**{name: file.get_tensor(name) for name in _TENSORS}, **described)


def smoothing_noise(shape: Sequence[int], seed: int, image_id: str) -> NDArray[np.float32]:
    """SmoothGrad's noise before it is scaled: a normally distributed (25, ...) of an input shape.

    It is the same on every device and whatever other images there are.
    """
    rng = np.random.default_rng([seed, *image_id.encode()])
    return rng.standard_normal((N_SAMPLES, *shape), np.float32)


def smoothed_saliency(
    clip: "Clip",
    pixels: "Tensor",
    black: "Tensor",
    spaces: "Sequence[Tensor | None]",
    noise: NDArray[np.float32],
) -> NDArray[np.float32]:
    """How much each pixel matters to an image's distance from a black image, in several spaces.

    The gradients of the Euclidean distance with respect to the input, of every noisy copy of the
    image, are averaged over the colours; their sizes are summed over the copies.

    Args:
        clip: the model.
        pixels: (3, height, width), the image after the model's preprocessing.
        black: (1, r), embedding of a black image.
        spaces: None for CLIP's own, which is its embeddings at unit length; U (r, r') for
            InDiReCT's, which is these projected with U, at unit length again.
        noise: (n, 3, height, width), in units of its standard deviation.

    Returns:
        (number of spaces, height, width) float32, not negative, of any scale.
    """
    import torch

    deviation = NOISE * (pixels.max() - pixels.min())
    samples = (pixels + deviation * torch.from_numpy(noise)).to(clip.device)
    # In this layout the convolutions of ResNets take a fifth less time.
    samples = samples.contiguous(memory_format=torch.channels_last).requires_grad_()
    # One pass through the model for all spaces, and one back for each.
    embeddings = clip.model.encode_image(samples).float()
    maps = []
    for U in spaces:
        # Where the distance is 0, torch's gradient of this norm is 0, too.
        distance = torch.linalg.vector_norm(_place(embeddings, U) - _place(black, U), dim=1)
        (gradient,) = torch.autograd.grad(distance.sum(), samples, retain_graph=True)
        maps.append(gradient.mean(dim=1).abs().sum(dim=0))
    return torch.stack(maps).cpu().numpy()


def _place(embeddings: "Tensor", U: "Tensor | None") -> "Tensor":
    """Embeddings (n, r) in a space: of unit length, projected where there is a U."""
    from torch.nn.functional import normalize

    unit = normalize(embeddings, dim=1)
    return unit if U is None else normalize(unit @ U, dim=1)


def scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """A map clipped at its 99th percentile and brought to [0, 1]; all 0 where it is constant."""
    low, high = values.min(), np.percentile(values, PERCENTILE)
    if high <= low:
        return np.zeros_like(values)
    return ((values.clip(low, high) - low) / (high - low)).astype(np.float32)


def foreground_shares(
    indirect: NDArray[np.float32], clip: NDArray[np.float32], mask: NDArray[np.bool_]
) -> dict[str, float | None]:
    """What share of two maps, of their positive difference and of the area is inside a mask.

    All are (height, width). A share of nothing is None.
    """
    difference = (indirect - clip).clip(min=0)
    everywhere = np.ones_like(indirect)
    values = {"difference": difference, "indirect": indirect, "clip": clip, "area": everywhere}
    totals = {name: value.sum(dtype=np.float64) for name, value in values.items()}
    return {
        name: value[mask].sum(dtype=np.float64) / totals[name] if totals[name] else None
        for name, value in values.items()
    }


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

    def mask(self, mask: "Image", image: "Image", image_id: str) -> NDArray[np.bool_]:
        """A mask, which is whatever is not black, resized and cropped as its image is."""
        from PIL.Image import fromarray

        if mask.size != image.size:
            raise LanzdmlError(
                f"mask of image {image_id} has {mask.width} x {mask.height} pixels, but the image "
                f"has {image.width} x {image.height}; give it the same size"
            )
        foreground = fromarray(np.asarray(mask).any(axis=2)).convert("RGB")
        return self.colors(self._preprocess(foreground))[..., 0] >= 128
