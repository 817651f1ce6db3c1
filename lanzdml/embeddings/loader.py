"""Batches of images as a model takes them, read by as many processes as there is room for.

Processes give images to this one through shared memory, of which containers have little: 64 MiB
with Docker, and a batch of 256 images of 224 pixels takes 147 MiB. So they hand over parts of a
batch that fit; batches are put together here, and are the same.
"""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from lanzdml.datasets.images import Images
from lanzdml.embeddings.clip import Clip
from lanzdml.errors import LanzdmlError
from lanzdml.files import is_full

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

_SHARED = Path("/dev/shm")
_AHEAD = 2  # parts that a process makes before they are asked for: torch's default
_ADVICE = "more room makes it faster, as by `docker run --shm-size=1g`"


class _Inputs(Dataset[Tensor | LanzdmlError]):
    """Images as a model takes them."""

    def __init__(self, images: Images, preprocess: "Callable[[Image], Tensor]") -> None:
        self._images, self._preprocess = images, preprocess

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor | LanzdmlError:
        try:
            return self._preprocess(self._images[index])
        except LanzdmlError as error:
            # Returned, not raised: torch would wrap the traceback of a worker around it.
            return error


def _collate(items: list[Tensor | LanzdmlError]) -> Tensor | list[LanzdmlError]:
    """A batch, or the errors of the images that cannot be read."""
    errors = [item for item in items if isinstance(item, LanzdmlError)]
    return errors or default_collate(items)


def batches(
    images: Images, clip: Clip, *, batch_size: int, workers: int
) -> Iterator[Tensor | list[LanzdmlError]]:
    """Batches (n, 3, height, width) in the images' order, or the errors of those that have any.

    Args:
        images: of a manifest.
        clip: what they are for.
        batch_size: images a batch; the last one may have fewer.
        workers: processes that decode and preprocess, no more than there are cores for; 0 does
            it here.

    Raises:
        LanzdmlError: other programs fill the shared memory meanwhile.
    """
    part = batch_size
    if workers > (cores := _available_cores()):
        print(f"embeddings.workers: {workers} are more than the {cores} cores: {cores} start")
        workers = cores
    if workers:
        part = _largest_part(batch_size, workers, _bytes_an_image(clip))
        workers = workers if part else 0
    loader = DataLoader(
        _Inputs(images, clip.preprocess),
        batch_size=part or batch_size,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=clip.device.startswith("cuda"),
    )
    parts = iter(loader)
    try:
        # Copied at once, as a part takes shared memory until it is let go.
        while group := [
            one if part in (0, batch_size) or isinstance(one, list) else one.clone()
            for one in itertools.islice(parts, batch_size // (part or batch_size))
        ]:
            errors = [error for one in group if isinstance(one, list) for error in one]
            yield errors or (group[0] if len(group) == 1 else torch.cat(group))
    except RuntimeError as error:
        if is_full(error) or "shared memory" in str(error):
            raise LanzdmlError(
                f"{_SHARED}, which the processes that read images share, is full: say "
                "embeddings.workers: 0, or give it more room, as by `docker run --shm-size=1g`"
            ) from error
        raise


def _available_cores() -> int:
    """Those that this process may use, of Slurm or a container."""
    of_process = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(of_process(0)) if of_process else os.cpu_count() or 1


def _bytes_an_image(clip: Clip) -> int:
    from PIL import Image

    return clip.preprocess(Image.new("RGB", (8, 8))).nbytes


def _largest_part(batch_size: int, workers: int, image: int) -> int:
    """The largest part of a batch that all processes have room for in half of what is free; or 0.

    Batches are whole numbers of parts.
    """
    if not _SHARED.is_dir():  # macOS
        return batch_size
    free = shutil.disk_usage(_SHARED).free
    most = free // 2 // (image * (workers * _AHEAD + 1))
    part = next((n for n in range(min(most, batch_size), 0, -1) if batch_size % n == 0), 0)
    if part < batch_size:
        how = f"processes hand over {part} images at a time" if part else "one process reads images"
        print(f"{_SHARED} has {free / 2**20:,.0f} MiB free: {how}; {_ADVICE}")
    return part
