"""Run benchmarks and write what all of them found last to benchmarks/results.md.

    python -m benchmarks               all, one after another
    python -m benchmarks fits metrics  some of them

Nothing else should run on the machine meanwhile.
"""

import subprocess
import sys

from benchmarks.results import BENCHMARKS, write_results

CHILD = "from benchmarks.{name} import measure; measure().save('{name}')"


def main(names: list[str]) -> None:
    if unknown := set(names) - set(BENCHMARKS):
        sys.exit(f"there is no benchmark {', '.join(sorted(unknown))}, but {', '.join(BENCHMARKS)}")
    for name in names or BENCHMARKS:
        print(f"{name} ...", flush=True)
        # A process each: one's threads and memory are not to reach another.
        subprocess.run([sys.executable, "-c", CHILD.format(name=name)], check=True)
        write_results()


if __name__ == "__main__":
    main(sys.argv[1:])
