"""InDiReCT, started from the texts' own subspace."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from lanzdml.arithmetic.threads import one_blas_thread
from lanzdml.methods.indirect import InDiReCT, mean_angle
from lanzdml.methods.subspace import principal_directions


class InDiReCTSVD(InDiReCT):
    """InDiReCT's objective from the directions in which the texts vary, in place of noise.

    What it differs from InDiReCT by is what the start does, where both have r' columns: where the
    texts have a smaller rank this has that many, and so the width differs, too. The start need not
    be a better one: it can lead to the same minimum, to one of lower loss, or to one of several
    times the loss that noise leads to. What it differs from ``text_subspace`` by is what the
    training is worth. There is no seed. Not in the paper.

    Attributes:
        U_: (r, k), k being the smaller of r' and the rank of the centred texts.
    """

    name = "indirect_svd"
    deterministic = True

    def _fit(self, unit: NDArray[np.float32]) -> None:
        centred = unit - unit.mean(axis=0, dtype=np.float64)
        start = principal_directions(centred, self.dim_).T.astype(np.float32)
        (self.U_,) = self._minimise(mean_angle(unit, start.shape[1]), [start])

    @contextmanager
    def single_threaded(self) -> Iterator[None]:
        # NumPy decomposes, then torch trains.
        with one_blas_thread(), super().single_threaded():
            yield
