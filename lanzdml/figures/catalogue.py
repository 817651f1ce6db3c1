"""All figures, of which there are three kinds: ablations, pictures and that of the mean ranks."""

from lanzdml.experiments import EXPERIMENTS
from lanzdml.figures import PICTURES
from lanzdml.figures.critical_difference.words import WORDS
from lanzdml.figures.words import Words


def all_words() -> dict[str, Words]:
    """The words of every figure, by its name."""
    drawn = {
        name: experiment.words
        for name, experiment in EXPERIMENTS.items()
        if experiment.words is not None
    }
    pictures = {name: picture.words for name, picture in PICTURES.items()}
    return {**drawn, "critical_difference": WORDS, **pictures}
