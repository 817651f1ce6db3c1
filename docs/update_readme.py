"""Put the last run's table into README.md, between its markers, and its pictures into docs/::

python docs/update_readme.py
"""

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
START, END = "<!-- table2: made by `make readme` -->\n", "<!-- end of table2 -->\n"
WIDTH = 1400  # pixels of a picture


def main() -> None:
    readme = ROOT / "README.md"
    before, start, rest = readme.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise SystemExit(f"README.md has lost its markers {START.strip()} and {END.strip()}")
    table = (RESULTS / "tables" / "table2.md").read_text(encoding="utf-8")
    readme.write_text(f"{before}{START}{table}{END}{after}", encoding="utf-8")
    for name in ("gallery.jpg", "dimensions.png"):
        picture = Path(name)
        with Image.open(RESULTS / "figures" / picture.with_suffix(".png")) as image:
            image = image.convert("RGB")
            image.thumbnail((WIDTH, WIDTH * 2))
            if picture.suffix == ".png":
                image = image.quantize(128)
            image.save(ROOT / "docs" / picture, quality=85, optimize=True)


if __name__ == "__main__":
    main()
