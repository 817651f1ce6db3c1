"""Fits with their products by MKL and by oneDNN: which library is faster on this processor.

``lanzdml.arithmetic.products.onednn_is_faster`` decides by the processor alone; this is what it
rests on.
"""

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from unittest.mock import patch

from benchmarks.fits import FEW, LIMIT_OF_MANY, MANY, Fit
from benchmarks.record import Record
from benchmarks.timing import Paired, paired
from lanzdml.arithmetic import products

PAIRS = 5
FITS = [
    *(Fit(method, n, LIMIT_OF_MANY) for method in ("indirect", "lae", "ae") for n in FEW),
    *(Fit(method, MANY, LIMIT_OF_MANY // 5) for method in ("indirect", "lae", "ae")),
    *(Fit("indirect", 100, LIMIT_OF_MANY, dim) for dim in (4, 512)),
    Fit("oracle", None, LIMIT_OF_MANY // 10),
]


def measure() -> Record:
    onednn = products.onednn_linear()
    chosen = "MKL" if products._ONEDNN is None else "oneDNN"
    rows, ratios = [], []
    for fit in FITS:
        cells = ["not measured: torch has no oneDNN beside MKL"] * 3
        if onednn:
            fit.warm_up()
            taken = side_by_side(fit, onednn)
            ratios.append(taken.ratio)
            cells = [*(f"{1000 * median(of):.2f}" for of in (taken.theirs, taken.ours)), str(taken)]
        names = ["method", "fitted to", "r'", "MKL, ms", "oneDNN, ms", "MKL / oneDNN"]
        row = [fit.method, str(fit), str(fit.dim), *cells]
        rows.append(dict(zip(names, row, strict=True)))
    found = f"MKL / oneDNN {min(ratios):.2f} to {max(ratios):.2f}" if ratios else cells[0]
    return Record(
        title="Products of the fits",
        goal="the library that is chosen by the processor is the faster one, or as fast",
        result=f"chosen here: {chosen}; {found}",
        text="Milliseconds of processor time an iteration, one seed, one thread, vectors of 512 "
        "components. oneDNN: for the products that are large enough for it, the rest by MKL; MKL: "
        f"all by it. Medians, of ratios with ranges, of {PAIRS} pairs. oneDNN is chosen on AMD's "
        "processors with AVX-512, and nowhere else.",
        rows=rows,
    )


def side_by_side(fit: Fit, onednn: products.Linear) -> Paired:
    """Seconds an iteration: ours is oneDNN."""
    return paired(partial(_by, onednn, fit), partial(_by, None, fit), PAIRS, clock=_cpu_seconds)


def _by(library: products.Linear | None, fit: Fit) -> int:
    with patch.object(products, "_ONEDNN", library):
        return fit.ours([0])


def _cpu_seconds(work: Callable[[], int]) -> float:
    """Processor time of a step, which what else runs on the machine disturbs less."""
    start = time.process_time()
    steps = work()
    return (time.process_time() - start) / steps
