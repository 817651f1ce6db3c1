"""Full-batch Adam with early stopping, the optimisation that all trained methods share."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lanzdml.arithmetic.threads import full_float32, one_torch_thread
from lanzdml.errors import CannotFitError
from lanzdml.methods.base import EmbeddingError, Floats, Method, check_integer
from lanzdml.methods.dim import Dim

if TYPE_CHECKING:
    from torch import Tensor

    # Takes parameters; returns the loss (a scalar tensor) and its gradients there.
    Objective = Callable[[list[Tensor]], tuple[Tensor, list[Tensor]]]


class Minimum(NamedTuple):
    """Where an optimisation ended: the best parameters seen, first in iteration ``best_iter``.

    ``converged`` says that patience ran out, and so not the iterations.
    """

    parameters: list[Floats]
    loss: float
    last_loss: float
    n_iter: int
    best_iter: int
    converged: bool


def minimise(
    objective: "Objective",
    start: Sequence[Floats],
    *,
    learning_rate: float = 0.01,
    weight_decay: float = 0.0,
    patience: int = 100,
    max_iter: int = 20_000,
) -> Minimum:
    """Minimise a loss with Adam until it has not gone below its best for ``patience`` iterations.

    An iteration evaluates the loss and takes a step, so the parameters of a loss are those before
    the step that follows it.

    A loss that is not a finite number ends it without a result, however good an earlier one was:
    Adam's moments keep what is not finite, so that no later step could mend the parameters, and
    what was best by then is where it happened to break and not a minimum.

    Args:
        objective: the loss and its gradients, see ``Objective``.
        start: initial parameters; the optimisation runs in their precision.
        learning_rate: of Adam, whose other parameters have their usual values.
        weight_decay: L2 penalty, added to the gradients.
        patience: iterations without a better loss after which to stop.
        max_iter: iterations after which to stop at the latest.

    Raises:
        CannotFitError: a loss is not a finite number.
    """
    import torch
    from torch.optim.adam import adam

    with torch.inference_mode():
        # glibc gives large blocks back to the system when they are freed, and getting them anew in
        # every iteration took up to a third of its time. Having freed a block of nearly 32 MiB, the
        # largest that counts, it keeps smaller ones (mallopt(3), M_MMAP_THRESHOLD).
        torch.empty(31 * 2**20, dtype=torch.uint8)
        # Tensors of torch's own, not views of NumPy's memory, are aligned alike on every call;
        # the rounding of a matrix product may depend on it. Row by row, as gradients are: the fused
        # Adam goes through both as they lie in memory.
        parameters = [torch.tensor(np.ascontiguousarray(array)) for array in start]
        best = [torch.empty_like(parameter) for parameter in parameters]
        means = [torch.zeros_like(parameter) for parameter in parameters]
        squares = [torch.zeros_like(parameter) for parameter in parameters]
        steps = [torch.zeros(()) for _ in parameters]
        best_loss, best_iter = float("inf"), 0
        for n_iter in range(1, max_iter + 1):
            scalar, gradients = objective(parameters)
            loss = float(scalar)
            if not math.isfinite(loss):
                raise CannotFitError(
                    f"training diverged: the loss is {loss} in iteration {n_iter}, with a "
                    f"learning_rate of {learning_rate:g}"
                )
            if loss < best_loss:
                best_loss, best_iter = loss, n_iter
                # A copy into memory that is there already takes a small part of a step's time.
                for kept, parameter in zip(best, parameters, strict=True):
                    kept.copy_(parameter)
            elif n_iter - best_iter == patience:
                break
            adam(
                parameters,
                gradients,
                means,
                squares,
                [],
                steps,
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=learning_rate,
                weight_decay=weight_decay,
                eps=1e-8,
                maximize=False,
            )
    converged = n_iter - best_iter == patience
    return Minimum(
        [parameter.numpy() for parameter in best], best_loss, loss, n_iter, best_iter, converged
    )


class Optimised(Method):
    """A method that is trained with Adam.

    Args:
        dim: size of the output, r' in the paper.
        random_state: seed of the initial values.
        learning_rate: of Adam.
        patience: training stops when the loss has not gone below its best for so many iterations.
        max_iter: training stops after so many iterations at the latest, with a
            ``ConvergenceWarning``. A guard: the paper has no such limit.

    Attributes:
        loss_: the best loss, whose parameters are kept.
        n_iter_: iterations until training stopped.
    """

    cost = 1

    def __init__(
        self,
        dim: Dim = 128,
        *,
        random_state: int = 0,
        learning_rate: float = 0.01,
        patience: int = 100,
        max_iter: int = 20_000,
    ) -> None:
        self.dim = dim
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.patience = patience
        self.max_iter = max_iter

    def _minimise(
        self, objective: "Objective", start: Sequence[Floats], *, weight_decay: float = 0.0
    ) -> list[Floats]:
        """The parameters of the best loss; sets ``loss_`` and ``n_iter_``.

        Raises:
            CannotFitError: training diverged: a loss is not finite, or patience ran out at more
                than twice that of the random start, which none was below. A start that nothing
                improves is a result, and one that was computed can be the best there is.
        """
        minimum = minimise(
            objective,
            start,
            learning_rate=self.learning_rate,
            weight_decay=weight_decay,
            patience=self.patience,
            max_iter=self.max_iter,
        )
        rose = minimum.best_iter == 1 and minimum.last_loss > 2 * minimum.loss
        if rose and minimum.converged and not self.deterministic:
            raise CannotFitError(
                f"training diverged: in {minimum.n_iter} iterations the loss rose from "
                f"{minimum.loss:.3g} to {minimum.last_loss:.3g} and was never below, with a "
                f"learning_rate of {self.learning_rate:g}"
            )
        if not minimum.converged:
            warnings.warn(
                f"{self.name} was stopped after max_iter={self.max_iter} iterations",
                ConvergenceWarning,
                stacklevel=5,  # the caller of fit
            )
        self.loss_, self.n_iter_ = minimum.loss, minimum.n_iter
        return minimum.parameters

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_integer("patience", self.patience, 1)
        check_integer("max_iter", self.max_iter, 1)
        if not self.learning_rate > 0:
            raise EmbeddingError(f"learning_rate must be positive, not {self.learning_rate!r}")

    @contextmanager
    def single_threaded(self) -> Iterator[None]:
        with one_torch_thread(), full_float32():
            yield
