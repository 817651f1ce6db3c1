"""Put the table of the last run into README.md, between its two markers::

python docs/update_readme.py
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
START, END = "<!-- table2: made by `make readme` -->\n", "<!-- end of table2 -->\n"


def main() -> None:
    readme = ROOT / "README.md"
    before, start, rest = readme.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise SystemExit(f"README.md has lost its markers {START.strip()} and {END.strip()}")
    table = (ROOT / "results" / "tables" / "table2.md").read_text(encoding="utf-8")
    readme.write_text(f"{before}{START}{table}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
