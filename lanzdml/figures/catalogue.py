"""All figures, of which there are three kinds: ablations, pictures and that of the mean ranks."""

from lanzdml.experiments import EXPERIMENTS
from lanzdml.figures import PICTURES
from lanzdml.figures.critical_difference.words import WORDS
from lanzdml.figures.words import Words
from lanzdml.metrics.protocols import DEFAULT, PROTOCOLS


def all_words(protocol: str = DEFAULT) -> dict[str, Words]:
    """The words of every figure, by its name.

    Args:
        protocol: the first of the tables.
    """
    drawn = {
        name: experiment.words
        for name, experiment in EXPERIMENTS.items()
        if experiment.words is not None
    }
    pictures = {name: picture.words_by(PROTOCOLS[protocol]) for name, picture in PICTURES.items()}
    return {**drawn, "critical_difference": WORDS, **pictures}
