"""The registry of experiments: a new one is one file in this folder and one line here.

A module asks one question of the benchmark and holds all that is needed for the answer: its section
of the configuration and what is checked of it, its runs, and its figure with its words. What
measures something else than runs do is a folder (:mod:`lanzdml.experiments.measured`).
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
    protocols="protocols:ProtocolsExperiment",
    specificity="specificity.section:SpecificityExperiment",
    unseen="unseen.section:UnseenExperiment",
    wording="wording.section:WordingExperiment",
    label_worth="label_worth.section:LabelWorthExperiment",
    dim_choice="dim_choice.section:DimChoiceExperiment",
)
