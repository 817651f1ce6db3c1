"""The words of the figures."""

import subprocess
import sys

import pytest

from lanzdml.experiments import EXPERIMENTS
from lanzdml.figures import PICTURES
from lanzdml.figures.catalogue import all_words

WORDS = all_words()


def test_every_figure_has_words():
    assert list(WORDS) == [
        *(name for name in EXPERIMENTS if name != "main"),
        "critical_difference",
        *PICTURES,
    ]


@pytest.mark.parametrize("name", WORDS)
def test_words_are_plain_text(name):
    words = WORDS[name]
    assert words.category in ("Ablations", "Measurements", "Significance", "Pictures")
    assert words.seen.endswith(".")
    assert words.caption.endswith(".")
    for text in (words.title, words.seen, words.caption):
        assert text == " ".join(text.split())


def test_a_configuration_is_read_without_what_draws_or_optimises():
    code = (
        "import sys\n"
        "import lanzdml.config.config, lanzdml.figures.catalogue\n"
        "lanzdml.figures.catalogue.all_words()\n"
        "print(*{'matplotlib', 'torch', 'sklearn', 'scipy'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.split() == []
