"""Run benchmarks and write what all of them found last to benchmarks/results.md.

    python -m benchmarks               all, one after another
    python -m benchmarks fits metrics  some of them
    python -m benchmarks gpu           what a GPU does: benchmarks/results-gpu.md; all end with it

Nothing else should run on the machine meanwhile.
"""

import subprocess
import sys

from benchmarks.results import BENCHMARKS, HEAD, RESULTS, write_results

CHILD = "from benchmarks.{name} import measure; measure().save('{name}')"
GPU = "gpu"
CHILD_OF_GPU = "from benchmarks.gpu import measure_all; measure_all()"


def main(names: list[str]) -> None:
    known = (*BENCHMARKS, GPU)
    if unknown := set(names) - set(known):
        sys.exit(f"there is no benchmark {', '.join(sorted(unknown))}, but {', '.join(known)}")
    for name in names or known:
        print(f"{name} ...", flush=True)
        if name == GPU:  # with results of its own, as it is another machine's
            subprocess.run([sys.executable, "-c", CHILD_OF_GPU], check=True)
            continue
        # A process each: one's threads and memory are not to reach another.
        subprocess.run([sys.executable, "-c", CHILD.format(name=name)], check=True)
        write_results(RESULTS, HEAD, BENCHMARKS)


if __name__ == "__main__":
    main(sys.argv[1:])
