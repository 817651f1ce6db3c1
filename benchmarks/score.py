"""``lanzdml score``, the whole command, against pytorch-metric-learning's ``AccuracyCalculator``.

What counts are seconds of processors: those of the clock are more where others use them, too.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.metrics import CLUSTERED, NAMES
from benchmarks.record import Record
from lanzdml.sources import ROOT

BESIDE = ((5_000, 50), (10_000, 100))
ALONE = ((100_000, 1_000), (100_000, 100))
DIM = 512
PAIRS = 3
MOST = 2  # GiB, with 100,000 vectors
GIB = 2**30

CALCULATOR = """
import json, sys
import numpy as np, pandas as pd, torch
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
vectors = torch.from_numpy(np.load(sys.argv[1]).astype(np.float32))
codes = torch.from_numpy(pd.factorize(pd.read_csv(sys.argv[2])["label"])[0])
names = json.loads(sys.argv[3])
calculator = AccuracyCalculator(include=names, device=torch.device("cpu"))
print(json.dumps({name: float(value) for name, value in
                  calculator.get_accuracy(torch.nn.functional.normalize(vectors), codes).items()}))
"""


# A small process in between, as a process is said to hold what the one that started it held.
WATCH = """
import json, resource, subprocess, sys
ran = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss, ran.stdout]))
"""


@dataclass(frozen=True)
class Cost:
    """Of a process: seconds of processors, the most memory in GiB, and what it printed."""

    seconds: float
    memory: float
    output: str


def measure() -> Record:
    rows, memories, ratios = [], [], []
    with TemporaryDirectory() as name:
        for n, n_classes in BESIDE:
            files = collection(Path(name), n, n_classes)
            ours: list[Cost] = []
            theirs: list[Cost] = []
            for pair in range(PAIRS):
                for work, into in [(score, ours), (calculate, theirs)][:: 1 if pair % 2 else -1]:
                    into.append(work(*files))
            values = {row["metric"]: row["value"] for row in json.loads(ours[0].output)}
            expected = json.loads(theirs[0].output)
            difference = max(
                abs(values[name] - expected[other])
                for name, other in NAMES.items()
                if name not in CLUSTERED
            )
            ratio = [b.seconds / a.seconds for a, b in zip(ours, theirs, strict=True)]
            memory = [median(cost.memory for cost in costs) for costs in (ours, theirs)]
            ratios.append(f"{median(ratio):.1f}x with {n:,}")
            rows.append(_row(n, n_classes, median(cost.seconds for cost in ours), memory[0]) | {
                "AccuracyCalculator, s": f"{median(cost.seconds for cost in theirs):.1f}",
                "its memory": f"{memory[1]:.2f} GiB",
                "ratio": f"{median(ratio):.1f} ({min(ratio):.1f} to {max(ratio):.1f})",
                "largest difference": f"{difference:.0e}",
            })  # fmt: skip
        for n, n_classes in ALONE:
            cost = score(*collection(Path(name), n, n_classes))
            memories.append(cost.memory)
            rows.append(_row(n, n_classes, cost.seconds, cost.memory))
    return Record(
        title="lanzdml score",
        goal=f"{ALONE[0][0]:,} x {DIM} of float16 in less than {MOST} GiB",
        result=f"{max(memories):.2f} GiB; {', '.join(ratios)} against AccuracyCalculator, which "
        "gives no intervals",
        text=f"Gaussian classes of {DIM} components in float16, from .npy and .csv; one thread "
        "each. Seconds are those of the processor that whole processes took, start and reading "
        "included, and ours with the draws that make intervals, which the calculator has none of; "
        f"memory is the most that a process held. Medians, of ratios with ranges, of {PAIRS} "
        "pairs. The largest difference is that of the five rank metrics. The calculator holds "
        "matrices of all images by all images, and its memory grows as the square: of larger ones "
        "ours is measured alone, once.",
        rows=rows,
    )


def _row(n: int, n_classes: int, seconds: float, memory: float) -> dict[str, str]:
    return {
        "vectors": f"{n:,} x {DIM}",
        "classes": f"{n_classes:,}",
        "ours, s": f"{seconds:.1f}",
        "our memory": f"{memory:.2f} GiB",
        **dict.fromkeys(["AccuracyCalculator, s", "its memory", "ratio", "largest difference"], ""),
    }


def collection(folder: Path, n: int, n_classes: int) -> tuple[Path, Path]:
    """Files of vectors (n, DIM) of classes of the same size, and of their labels."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n) % n_classes)
    vectors = rng.standard_normal((n, DIM), np.float32)
    vectors += rng.standard_normal((n_classes, DIM), np.float32)[labels] / 2
    files = folder / "vectors.npy", folder / "labels.csv"
    np.save(files[0], vectors.astype(np.float16))
    files[1].write_text("\n".join(["label", *(f"class {label}" for label in labels)]))
    return files


def score(vectors: Path, labels: Path) -> Cost:
    """What the command takes."""
    asked = ["score", str(vectors), str(labels), "--label", "label", "--format", "json"]
    return cost_of([sys.executable, "-m", "lanzdml", *asked])


def calculate(vectors: Path, labels: Path) -> Cost:
    """What the calculator takes for the same."""
    names = json.dumps([*NAMES.values()])
    return cost_of([sys.executable, "-c", CALCULATOR, str(vectors), str(labels), names])


def cost_of(command: Sequence[str]) -> Cost:
    """What a process of one thread takes."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", WATCH, *command], stdout=subprocess.PIPE, text=True, check=True,
        cwd=ROOT, env=environment,
    )  # fmt: skip
    seconds, most, output = json.loads(ran.stdout)
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(seconds, most * unit / GIB, output)
