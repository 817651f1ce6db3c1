"""The registry of experiments: a new one is one file in this folder and one line here.

A module asks one question of the benchmark and holds all that is needed for the answer: its section
of the configuration and what is checked of it, its runs, and its figure with its words.
"""

from typing import TYPE_CHECKING

from lanzdml.registry import Registry

if TYPE_CHECKING:
    from lanzdml.experiments.experiment import Experiment

EXPERIMENTS: Registry["Experiment"] = Registry(
    __name__,
    main="main:MainExperiment",
    dimensions="dimensions:DimensionsExperiment",
    clip_size="clip_size:ClipSizeExperiment",
    prompt_count="prompt_count:PromptCountExperiment",
)
