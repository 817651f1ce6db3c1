"""Points in the plane for the pictures of embedding spaces: TriMap (appendix, section 4).

TriMap (Amid and Warmuth, "TriMap: Large-scale dimensionality reduction using triplets", 2019) draws
triplets of a point, one of its neighbours and a farther point, and moves points in the plane until
most triplets keep their order. All parameters are those that the package has as its defaults, which
are those of the paper's picture.

The package holds it twice. ``TRIMAP`` draws its triplets with numba's generators, one a thread,
which nothing outside can seed in all threads, and finds neighbours with annoy, whose trees depend
on the number of threads: with two threads, two runs of it differ. ``TorchTRIMAP``, taken here,
takes a seed for all that it draws and finds exact neighbours. Its bits depend on the number of
threads, as those of all sums that threads share, so it gets one: then a seed gives the same points,
whatever runs beside and whatever number of threads the process has. Another kind of processor may
round differently. It also starts faster: numba compiles for several seconds.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lanzdml.arithmetic.threads import full_float32, one_torch_thread
from lanzdml.datasets.manifest import ID
from lanzdml.embeddings.storage import read_image_embeddings, weights_of
from lanzdml.errors import LanzdmlError
from lanzdml.files import replacing
from lanzdml.methods.base import as_embeddings, as_matrix, normalise
from lanzdml.transforms.storage import check_weights, load_transform

SPACE = "space"
CLIP_SPACE = "(clip)"  # other spaces have the names of their notions, which can hold no brackets

_N_INLIERS, _N_OUTLIERS = 12, 4  # TriMap's defaults
_FEWEST = _N_OUTLIERS + 2
ITERATIONS = 400  # TriMap's default


def trimap_points(
    vectors: ArrayLike, seed: int, iterations: int = ITERATIONS
) -> NDArray[np.float32]:
    """Vectors (n, d) as points in the plane (n, 2), whose axes have no unit.

    Distances between vectors are Euclidean. TriMap takes 12 neighbours of each point and, for each
    of them, 4 points that are farther; fewer than 17 points have as many neighbours as leave those
    four.

    Raises:
        LanzdmlError: there are fewer than 6 vectors, or they cannot be used.
    """
    from trimap import TorchTRIMAP

    vectors = as_matrix(vectors, "vectors")
    if vectors.shape[1] == 1:  # it starts from two principal components; distances are the same
        vectors = np.pad(vectors, ((0, 0), (0, 1)))
    if len(vectors) < _FEWEST:
        raise LanzdmlError(
            f"TriMap needs at least {_FEWEST} images, but there are {len(vectors)}: leave its "
            "picture out"
        )
    trimap = TorchTRIMAP(
        n_inliers=min(_N_INLIERS, len(vectors) - _N_OUTLIERS - 1),
        device="cpu",  # sums on a GPU have no fixed order
        n_iters=iterations,
        knn_backend="torch",  # exact, and the same whatever else is installed
        random_state=seed,
    )
    with one_torch_thread(), full_float32():
        points = trimap.fit_transform(vectors).numpy()
    if not np.isfinite(points).all():
        raise LanzdmlError("TriMap finds no points for these vectors: leave its picture out")
    return points


def compute_trimap(
    images_file: Path,
    manifest_file: Path,
    transforms: Mapping[str, Path],
    seed: int,
    output: Path,
) -> None:
    """Write the points of a dataset's images in CLIP's space and in that of each notion.

    The file is parquet with columns ``image_id``, ``space`` ("(clip)" or the notion), ``x``, ``y``:
    all images in the order of the manifest, space after space. CLIP's space, its vectors scaled
    to unit length, is the same for every notion and is there once.

    Args:
        images_file: the images' embeddings, see :mod:`lanzdml.embeddings.storage`.
        manifest_file: of these images.
        transforms: a fitted method's file for each notion.
        seed: TriMap's.
        output: the file.

    Raises:
        LanzdmlError: there are too few images, or a file cannot be used.
    """
    if CLIP_SPACE in transforms:
        raise LanzdmlError(f"a notion {CLIP_SPACE} cannot be told from CLIP's space: rename it")
    image_ids, embeddings = read_image_embeddings(images_file, manifest_file)
    check_weights(transforms.values(), weights_of(images_file), images_file)
    spaces = {CLIP_SPACE: normalise(as_embeddings(embeddings, str(images_file)))}
    for notion, path in transforms.items():
        spaces[notion] = load_transform(path).transform(embeddings)
    points = {space: trimap_points(vectors, seed) for space, vectors in spaces.items()}
    table = pd.concat(
        pd.DataFrame({ID: image_ids, SPACE: space, "x": xy[:, 0], "y": xy[:, 1]})
        for space, xy in points.items()
    )
    with replacing(output) as temporary:
        table.to_parquet(temporary, index=False)
