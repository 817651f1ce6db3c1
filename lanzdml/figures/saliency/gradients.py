"""Where an embedding space looks in an image: InDiReCT's saliency minus CLIP's (section 6).

A map says how much each pixel moves the image's embedding away from that of a black image (Kobs et
al., "Do Different Deep Metric Learning Losses Lead to Similar Learned Features?", 2021), smoothed
over noisy copies of the image (SmoothGrad, Smilkov et al., 2017).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from lanzdml.embeddings.clip import Clip

N_SAMPLES = 25
NOISE = 0.15  # standard deviation, as a share of the range of the input's values
PERCENTILE = 99  # of a map: what is higher counts as high


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
