"""Random captions for rendered cars: what the demo CLIPs read while they are trained.

A caption mentions some of a car's three independent factors (car model, paint colour, background
colour) in the wording of the paper's prompt templates and a few others. The words come from three
lists: body types and their synonyms below, car names from ``resources/prompts/demo_car_names.csv``
(assigned to body types), and the CSS2.1 and CSS3 colour names.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CAR_NAMES_FILE = Path(__file__).parents[1] / "resources" / "prompts" / "demo_car_names.csv"

BODY_TYPE_WORDS = {
    "sedan": ("sedan", "saloon", "four-door sedan"),
    "hatchback": ("hatchback", "compact hatchback", "city car"),
    "suv": ("suv", "sport utility vehicle", "crossover"),
    "pickup": ("pickup", "pickup truck", "truck"),
    "van": ("van", "minivan", "delivery van"),
    "convertible": ("convertible", "roadster", "cabriolet"),
}
GENERIC_WORDS = ("car", "car", "car", "vehicle", "automobile")
OPENINGS = (
    "a ", "a ", "a ", "a photo of a ", "a photo of a ", "a photo of a ",
    "an image of a ", "a picture of a ", "a rendering of a ", "the ", "",
)  # fmt: skip
BACKGROUNDS = (
    " in front of a {} background", " in front of a {} background", " in front of a {} background",
    " on a {} background", " with a {} background", " against a {} backdrop", " before a {} wall",
)  # fmt: skip

# (car model, paint, background) mentioned or not, and how often
PARTIAL_MENTIONS = (
    (True, False, False), (False, True, False), (False, False, True),
    (True, True, False), (True, False, True), (False, True, True),
)  # fmt: skip
PARTIAL_WEIGHTS = (0.22, 0.22, 0.22, 0.12, 0.10, 0.12)
FULL_MENTION = (True, True, True)

# CSS3 names are single words ("lightgoldenrodyellow"); people write them apart.
COLOR_PREFIXES = (
    "alice", "antique", "blanched", "blue", "burly", "cadet", "cornflower", "dark", "deep", "dim",
    "dodger", "fire", "floral", "forest", "ghost", "golden", "goldenrod", "green", "hot", "indian",
    "lavender", "lawn", "lemon", "light", "lime", "medium", "midnight", "mint", "misty", "navajo",
    "old", "olive", "orange", "pale", "papaya", "peach", "powder", "rosy", "royal", "saddle",
    "sandy", "sea", "sky", "slate", "spring", "steel", "violet", "white", "yellow",
)  # fmt: skip
WHOLE_COLORS = ("goldenrod", "seashell", "limegreen")


def spaced_color(name: str) -> str:
    """A CSS colour name with its words apart, ``"darkslateblue"`` -> ``"dark slate blue"``."""
    if name == "limegreen":
        return "lime green"
    if name in WHOLE_COLORS:
        return name
    for prefix in sorted(COLOR_PREFIXES, key=len, reverse=True):
        if name.startswith(prefix) and name != prefix:
            return f"{prefix} {spaced_color(name[len(prefix) :])}"
    return name


def read_car_names(path: Path = CAR_NAMES_FILE) -> dict[str, tuple[str, ...]]:
    """Car names by body type, lower case as CLIP's tokenizer reads them."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        car_model: tuple(row["aspect"].lower() for row in rows if row["car_model"] == car_model)
        for car_model in BODY_TYPE_WORDS
    }


@dataclass(frozen=True)
class ColorWords:
    """The names of one colour: nearest CSS2.1 name and nearest CSS3 name."""

    css21: str
    css3: str


class CaptionWriter:
    """Draws captions for cars from a random generator of its own.

    Every word that it can use is in :attr:`vocabulary`, so that a token table can be cut to them.
    """

    def __init__(self, seed: int | tuple[int, ...]) -> None:
        self._random = np.random.default_rng(seed)
        self._names = read_car_names()

    def _pick(self, choices, weights=None):
        return choices[self._random.choice(len(choices), p=weights)]

    def _color(self, words: ColorWords) -> str:
        source = self._random.random()
        if source < 0.45:
            return words.css21
        return spaced_color(words.css3) if source < 0.8 else words.css3

    def _noun(self, car_model: str, mentioned: bool) -> str:
        if not mentioned:
            return self._pick(GENERIC_WORDS)
        if self._random.random() < 0.5:
            return self._pick(self._names[car_model])
        return self._pick(BODY_TYPE_WORDS[car_model], (0.6, 0.2, 0.2))

    def write(
        self, car_model: str, paint: ColorWords, background: ColorWords, *, full: bool
    ) -> str:
        """One caption; ``full`` mentions all three factors, otherwise one or two of them."""
        mention = FULL_MENTION if full else self._pick(PARTIAL_MENTIONS, PARTIAL_WEIGHTS)
        mentions_model, mentions_paint, mentions_background = mention
        caption = self._pick(OPENINGS)
        if mentions_paint:
            caption += self._color(paint) + " "
        caption += self._noun(car_model, mentions_model)
        if mentions_background:
            caption += self._pick(BACKGROUNDS).format(self._color(background))
        return caption


def vocabulary(color_names: list[str]) -> set[str]:
    """Every word a caption can hold, given all colour names in use."""
    texts = [*GENERIC_WORDS, *OPENINGS, *(text.format("") for text in BACKGROUNDS)]
    texts += [word for words in BODY_TYPE_WORDS.values() for word in words]
    texts += [name for names in read_car_names().values() for name in names]
    texts += [*color_names, *(spaced_color(name) for name in color_names)]
    return {word for text in texts for word in text.split()}
