"""The plan: what a configuration asks for, as runs and fits, and what each of them needs."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, cached_property

from lanzdml.config.config import Config
from lanzdml.config.external import ExternalConfig
from lanzdml.datasets.labels import LabelColumns
from lanzdml.datasets.queries import Queries
from lanzdml.experiments.experiment import Experiment
from lanzdml.experiments.grid import Grid, check_number
from lanzdml.experiments.measured import Measured
from lanzdml.figures.picture import Picture
from lanzdml.methods import METHODS, PAPER_METHODS
from lanzdml.metrics.protocols import PROTOCOLS, UsedNotions
from lanzdml.plan.collections import collection_runs
from lanzdml.plan.external import external_runs
from lanzdml.plan.paths import Paths
from lanzdml.plan.queries import QueryPlan
from lanzdml.plan.runs import Fit, Run, runs_of
from lanzdml.significance.comparisons import OURS

MAIN, FIGURES, COLLECTIONS = "main", "figures", "collections"
RANKING = "critical_difference"


class Plan(QueryPlan):
    """What a configuration asks for. It reads no result, and knows nothing of Snakemake.

    Args:
        config: with what it implies written out, as :func:`lanzdml.config.config.parse_config`
            returns it.

    Raises:
        LanzdmlError: it asks for more runs than can be planned.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.paths = Paths(config.results)
        # The same object for every seed: there are as many as pairs of seeds.
        self._by_seeds = cache(self._files_by_seeds)
        grids = [self._unscored, *(grid for grids in self.grids.values() for grid in grids)]
        check_number(grids)

    # Runs

    @cached_property
    def grids(self) -> dict[str, list[Grid]]:
        """What every experiment of the configuration asks for."""
        return {
            name: experiment.grids(self.config)
            for name, experiment in self.config.given_experiments.items()
        }

    @cached_property
    def experiments(self) -> dict[str, list[Run]]:
        """The runs of every experiment of the configuration; a run may be of several."""
        runs = {
            name: [
                run
                for run in dict.fromkeys(run for grid in grids for run in runs_of(grid))
                if self.has_gallery(run.protocol, run.fit.dataset)
            ]
            for name, grids in self.grids.items()
        }
        return runs | {MAIN: [*runs[MAIN], *external_runs(self.config)]}

    def seeds_shown(self, experiment: str) -> list[int]:
        """The seeds of an experiment: runs that others ask for, too, may have more."""
        shown = {seed for grid in self.grids[experiment] for seed in grid.seeds}
        return [seed for seed in self.config.seeds if seed in shown]

    @property
    def main_runs(self) -> list[Run]:
        """The runs that the tables show."""
        return self.experiments[MAIN]

    @cached_property
    def paper_runs(self) -> list[Run]:
        """Those of the paper's methods and of no combined notion, which its own tables show."""
        return [
            run
            for run in self.main_runs
            if run.fit.method in PAPER_METHODS
            and not self.notions[run.fit.dataset, run.fit.notion].combine
        ]

    @cached_property
    def runs(self) -> list[Run]:
        """Every run, once: the tables' first."""
        return list(dict.fromkeys(run for runs in self.experiments.values() for run in runs))

    def notions_used(self, run: Run) -> UsedNotions:
        """The notions that a run really takes its prompts and labels from."""
        protocol, fit = PROTOCOLS[run.protocol], run.fit
        return protocol.notions_used(fit.dataset, fit.notion, fit.method)

    def queries(self, run: Run) -> Queries | None:
        """:meth:`queries_of` for a run, with its files."""
        dataset, model = run.fit.dataset, run.fit.model
        settings = self.queries_of(run.protocol, dataset)
        if settings is None:
            return None
        if (other := settings.dataset) is None:
            return settings.of_one_dataset
        labels = self.label_columns(other, self.notions_used(run).labels)
        return Queries(others=(self.paths.images(other, model), self.paths.manifest(other), labels))

    def fit_of(self, run: Run) -> Fit:
        """What a run scores: a fit to another notion where the protocol takes one.

        What is external is no fit, and stays what it is.
        """
        if self.external(run.fit) is not None:
            return run.fit
        sources = self.notions_used(run)
        supervised = METHODS[run.fit.method].supervised
        return replace(run.fit, notion=sources.labels if supervised else sources.prompts)

    def seeds_of(self, run: Run) -> list[int]:
        """The seeds of k-means that a run is scored with: its own, or all that are asked for."""
        if run.fit.seed is not None:
            return [run.fit.seed]
        return self._seeds[run] if self.external(run.fit) is None else self.config.seeds

    @cached_property
    def _seeds(self) -> dict[Run, list[int]]:
        asked: dict[Run, set[int]] = {}
        for grid in (grid for grids in self.grids.values() for grid in grids):
            for run in runs_of(grid):
                if run.fit.seed is None:
                    asked.setdefault(run, set()).update(grid.seeds)
        return {
            run: [seed for seed in self.config.seeds if seed in seeds]
            for run, seeds in asked.items()
        }

    def siblings(self, run: Run) -> list[str]:
        """The files of a run's fits by all seeds, or of its finished vectors."""
        fit = self.fit_of(run)
        return self._by_seeds(fit if fit.seed is None else replace(fit, seed=self.config.seeds[0]))

    def _files_by_seeds(self, fit: Fit) -> list[str]:
        seeds = [None] if fit.seed is None else self.config.seeds
        return [self.scored_file(replace(fit, seed=seed)) for seed in seeds]

    def external(self, fit: Fit) -> ExternalConfig | None:
        """The finished vectors that are scored in place of a fit; None of one that is made here."""
        notion = self.notions.get((fit.dataset, fit.notion))  # None where a protocol takes another
        return notion.external.get(fit.method) if notion else None

    def scored_file(self, fit: Fit) -> str:
        """The file of what is scored: of a fit, or of finished vectors."""
        if self.external(fit) is None:
            return self.paths.transform(fit)
        # The same whichever model's runs they are beside.
        seed = self.config.seeds[0] if fit.seed is None else fit.seed
        return self.paths.vectors(fit.dataset, fit.notion, fit.method, seed)

    # Fits

    def parts(self, fit: Fit) -> list[tuple[Fit, float]]:
        """The fits that one is stacked of, with their weights; none for any other.

        Oracle is stacked as the others are: it is the ceiling of what they do, which a fit of it to
        the joined labels is not.
        """
        notion = self.notions.get((fit.dataset, fit.notion))
        if notion is None or not notion.stacked:
            return []
        parts = zip(notion.combine or (), notion.weights or (), strict=True)
        return [(replace(fit, notion=part), weight) for part, weight in parts]

    @cached_property
    def fits(self) -> dict[Fit, str]:
        """Every fit, and what first asks for it: an experiment, the tables' first, or figures.

        What is stacked comes after its parts.
        """
        asked: dict[Fit, str] = {}
        for owner, fits in self._asked():
            for fit in fits:
                for part, _ in self.parts(fit):
                    asked.setdefault(part, owner)
                asked.setdefault(fit, owner)
        return asked

    def _asked(self) -> Iterator[tuple[str, Iterable[Fit]]]:
        others = {name: runs for name, runs in self.experiments.items() if name != MAIN}
        fitted = [run for run in self.main_runs if self.external(run.fit) is None]
        yield MAIN, [*map(self.fit_of, fitted), *self._unscored_fits()]
        yield FIGURES, [fit for name in self.pictures for fit in self.shown_in(name).values()]
        for name, runs in others.items():
            yield name, map(self.fit_of, runs)
        yield COLLECTIONS, self.applied.values()

    def _unscored_fits(self) -> list[Fit]:
        return list(dict.fromkeys(run.fit for run in runs_of(self._unscored)))

    @property
    def _unscored(self) -> Grid:
        """What is learned for notions that are not scored: all that needs no labels."""
        unscored = [key for key, notion in self.notions.items() if not notion.scored]
        methods = [name for name in self.config.methods if not METHODS[name].supervised]
        settings = (self.config.main_models, methods, self.config.dims, self.config.seeds)
        return Grid([""], unscored, *settings)

    @cached_property
    def applied(self) -> dict[str, Fit]:
        """What is applied to each collection."""
        runs = collection_runs(self.config, self.shown_protocol)
        return {name: self.fit_of(run) for name, run in runs.items()}

    # Figures, tables and embeddings

    @property
    def pictures(self) -> dict[str, Picture]:
        """The pictures that are drawn, by name."""
        return self.config.given_pictures

    def shown_in(self, picture: str) -> dict[str, Fit]:
        """What InDiReCT learned for each notion of a picture, by the first seed."""
        shown = self.pictures[picture]
        (model,), dim = shown.models_used(self.config), shown.dim(self.config)
        return {
            notion: Fit(shown.dataset, model, notion, OURS, dim, seed=self.config.seeds[0])
            for notion in shown.notions or ()
        }

    def transforms_of(self, picture: str) -> list[str]:
        """Their files."""
        return [self.paths.transform(fit) for fit in self.shown_in(picture).values()]

    def columns_of(self, picture: str, dataset: str) -> dict[str, LabelColumns]:
        """Where a dataset's labels for each notion of a picture are."""
        return {name: self.label_columns(dataset, name) for name in self.shown_in(picture)}

    @property
    def prompts(self) -> list[tuple[str, str, str]]:
        """Dataset, model and name of all embeddings of prompts.

        A job whose files are not all asked for would not be made anew when one more comes and
        another changes: Snakemake compares no parameters where it has a record of some files only.
        Other wordings are a job of their own, and nobody's where none is measured.
        """
        sections = [section for section in self.measured.values() if section.by_wording]
        worded = {name for section in sections for name in section.datasets or ()}
        return [
            (dataset, model, source["name"])
            for dataset in self.config.datasets
            for source in (
                *self.prompt_sources(dataset),
                *(self.wording_sources(dataset) if dataset in worded else ()),
            )
            for model in self.config.main_models
        ]

    @cached_property
    def embedded(self) -> list[tuple[str, str]]:
        """Dataset and model of all embeddings that are made of images."""
        pairs = {(d, model) for d in self.config.datasets for model in self.config.main_models}
        pairs |= {(fit.dataset, fit.model) for fit in self.fits}
        pairs |= {
            (self.ranking_dataset(run.protocol, run.fit.dataset), run.fit.model)
            for run in self.runs
        }
        for name, picture in self.pictures.items():
            (model,) = picture.models_used(self.config)
            pairs |= {(dataset, model) for dataset in self.datasets_of(name)}
        return sorted(pairs)

    @property
    def has_ranks(self) -> bool:
        """Whether methods are ranked: over several notions, several methods that see no labels."""
        methods = [name for name in self.config.methods if not METHODS[name].supervised]
        return len(self.counted) >= 2 and len(methods) >= 3

    @property
    def figures(self) -> list[str]:
        """Names of all figures."""
        return [*self.drawn, *([RANKING] if self.has_ranks else []), *self.pictures]

    @property
    def measured(self) -> dict[str, Measured]:
        """The experiments that measure more than the runs' scores, by name."""
        given = self.config.given_experiments.items()
        return {name: section for name, section in given if isinstance(section, Measured)}

    def drawn_of(self, experiment: str) -> list[str]:
        """The files that an experiment's figure is drawn of."""
        if experiment in self.measured:
            return [self.paths.table(experiment, "csv")]
        return [self.paths.metrics(run) for run in self.experiments[experiment]]

    @property
    def drawn(self) -> dict[str, Experiment]:
        """The experiments that have a figure, by name."""
        return {
            name: experiment
            for name, experiment in self.config.given_experiments.items()
            if experiment.words is not None
        }

    @property
    def scored_labels(self) -> list[tuple[str, str, str, str, LabelColumns]]:
        """What the queries of the tables' runs are labelled with.

        Protocol, dataset and notion of the labels, the dataset that the queries are of, and where
        their labels are in its manifest.
        """
        used = {
            (run.protocol, run.fit.dataset, self.notions_used(run).labels): None
            for run in self.main_runs
        }
        return [(*key, *self.labels_of_queries(*key)) for key in used]

    @property
    def sampled(self) -> list[tuple[str, str, str, str, LabelColumns]]:
        """Notions whose classes are a sample of more, as those of :attr:`scored_labels`."""
        return [
            (name, dataset, notion, *self.labels_of_queries(name, dataset, labels))
            for name in self.config.protocols
            for (dataset, notion), settings in self.notions.items()
            if settings.scored and settings.sampled_classes
            for labels in [PROTOCOLS[name].notions_used(dataset, notion, OURS).labels]
        ]
