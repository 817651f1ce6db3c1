"""All jobs of a run, with what each will take: those that the rules make of a plan.

Fits, scores and measurements are the plan's own jobs. All others are here as `rules/*.smk` have
them: a rule more there is an entry more here, and `tests/test_estimate.py` compares the two.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from lanzdml.estimate.larger import LargeJobs
from lanzdml.estimate.planned import NOTHING, PlannedJob
from lanzdml.estimate.work import FLOAT, Effort
from lanzdml.figures.saliency.picture import SaliencyFigure
from lanzdml.plan.explorer import explored_runs
from lanzdml.plan.external import vectors_to_read
from lanzdml.plan.jobs import fit_jobs, score_jobs
from lanzdml.plan.measurements import measure_jobs, measurements
from lanzdml.plan.plan import RANKING
from lanzdml.plan.versions import no_version
from lanzdml.tables.beyond import NAME as BEYOND
from lanzdml.tables.classes import NAME as CLASSES
from lanzdml.tables.paper import SUFFIXES
from lanzdml.tables.paper import TABLES as PAPER_TABLES
from lanzdml.tables.published import NAME as COMPARISON
from lanzdml.tables.published_values import published_files, read_published

ALL = "all"
_OF_FIGURE = 300_000  # bytes
_WEIGHTS = 4 * 1.5  # bytes a parameter while a model is loaded


class JobList(LargeJobs):
    """The jobs of a plan, one after the other."""

    def __iter__(self) -> Iterator[PlannedJob]:
        yield from self._datasets()
        yield from self._images()
        yield from self._prompts()
        yield from self._fits()
        yield from self._scores()
        yield from self._measurements()
        yield from self._pictures()
        yield from self._explorer()
        yield from self._tables()
        yield from self.collections()

    def _datasets(self) -> Iterator[PlannedJob]:
        for name, settings in self._plan.config.datasets.items():
            manifest, record = self._paths.manifest(name), self._paths.download(name)
            if settings.download:
                yield self._job("datasets", "download", "table", [record], [])
            effort = Effort(
                1e-4 * self._sizes.n_images(name), disk=100 * self._sizes.n_images(name)
            )
            inputs = [record] if settings.download else []
            of_manifest = self._at(manifest)
            yield self._job(
                "datasets", ALL, "dataset", [manifest], inputs, effort, benchmark=of_manifest
            )

    def _images(self) -> Iterator[PlannedJob]:
        read = vectors_to_read(self._plan.config, self._paths, self._plan.embedded)
        for given in read:
            effort = self._vectors(given.dataset, self._plan.config.main_models[0])
            inputs, at = [self._paths.manifest(given.dataset)], self._at(given.output)
            yield self._job(
                "embeddings", "vectors", "score", [given.output], inputs, effort, benchmark=at
            )
        made = {given.output for given in read}
        for dataset, model in self._plan.embedded:
            output, n = (
                self._paths.images(dataset, model),
                self._plan.config.datasets[dataset].shards,
            )
            if output in made:
                continue
            inputs, whole = [self._paths.manifest(dataset)], self._embedding(dataset, model)
            count, kind = self._sizes.n_images(dataset), ("embeddings", f"images by {model}")
            if n == 1:
                yield self._job(*kind, "images", [output], inputs, whole, threads=2, images=count,
                                benchmark=self._at(output))  # fmt: skip
                continue
            shards = self._paths.shards(dataset, model, n)
            part = Effort(whole.seconds / n, whole.data, 0)
            for shard in [] if Path(output).exists() else shards:  # they go when they are gathered
                yield self._job(*kind, "images", [shard], inputs, part, threads=2,
                                images=count // n, benchmark=self._at(shard))  # fmt: skip
            gathered = self._vectors(dataset, model)
            yield self._job("embeddings", "gather", "score", [output], shards, gathered)

    def _vectors(self, dataset: str, model: str) -> Effort:
        """Embeddings that are read and written."""
        n_bytes = FLOAT * self._sizes.n_images(dataset) * self._sizes.width(model)
        return Effort(n_bytes / 1e8, 3 * n_bytes, n_bytes)

    def _embedding(self, dataset: str, model: str) -> Effort:
        size, batch = self._sizes.model(model), self._plan.config.embeddings.batch_size
        seconds = self._rates.embedded(self._sizes.n_images(dataset), size.gmacs)
        of_batch = batch * size.pixels**2 * 3 * FLOAT * 4
        written = self._vectors(dataset, model)
        return Effort(seconds, _WEIGHTS * size.parameters + of_batch + written.data, written.disk)

    def _prompts(self) -> Iterator[PlannedJob]:
        wanted = {*self._plan.prompts}
        wanted |= {(fit.dataset, fit.model, fit.notion) for fit in self._plan.fits}
        for dataset in self._plan.config.datasets:
            own = self._plan.prompt_sources(dataset)
            for kind, sources in (
                ("prompts", own),
                ("wordings", self._plan.wording_sources(dataset)),
            ):
                names = [source["name"] for source in sources]
                for model in dict.fromkeys(
                    m for d, m, name in wanted if d == dataset and name in names
                ):
                    outputs = [self._paths.prompts(dataset, model, name) for name in names]
                    worded = {source["wording_of"] for source in sources if source["wording_of"]}
                    inputs = [self._paths.prompts(dataset, model, name) for name in worded]
                    size = self._sizes.model(model)
                    n = sum(self._sizes.n_prompts(dataset, name) for name in names)
                    effort = Effort(n * self._rates.single["prompt"] * size.parameters / 1e8,
                                    _WEIGHTS * size.parameters,
                                    n * FLOAT * self._sizes.width(model))  # fmt: skip
                    at = f"embeddings/{dataset}/{model}/{kind}"
                    yield self._job(
                        "embeddings", "prompts", "prompts", outputs, inputs, effort, benchmark=at
                    )

    def _fits(self) -> Iterator[PlannedJob]:
        by_path = {self._paths.transform(fit): fit for fit in self._plan.fits}
        for job in fit_jobs(self._plan, no_version):
            efforts = [
                self._work.fit(by_path[task.output], task.labels, is_stack=bool(task.parts))
                for task in job.tasks
            ]
            start = "trained" if job.cost else "quick"
            outputs = [task.output for task in job.tasks]
            yield self._job("transforms", job.key[-1], start, outputs, job.inputs,
                            sum(efforts, NOTHING), benchmark=f"transforms/{job.path}")  # fmt: skip

    def _scores(self) -> Iterator[PlannedJob]:
        by_path = {self._paths.metrics(run): run for run in self._plan.runs}
        for job in score_jobs(self._plan, no_version):
            efforts = []
            for task in job.tasks:
                run = by_path[task.output]
                ranking, clustering, rest = self._work.score(run, task)
                if task.clusters:
                    yield from self.shards(run, task, ranking, clustering)
                    ranking = clustering = NOTHING
                efforts += [ranking, clustering, rest]
            outputs = [path for task in job.tasks for path in task.outputs]
            yield self._job("metrics", ALL, "score", outputs, job.inputs,
                            sum(efforts, NOTHING), benchmark=f"metrics/{job.path}")  # fmt: skip
        if self._plan.runs:
            rows = [self._paths.metrics(run) for run in self._plan.runs]
            effort, all_rows = Effort(2e-3 * len(rows)), self._paths.at("metrics.parquet")
            yield self._job("tables", ALL, "table", [all_rows], rows, effort)
            record = self._paths.at("record.json")
            yield self._job("tables", ALL, "table", [record], [all_rows])

    def _measurements(self) -> Iterator[PlannedJob]:
        for job in measure_jobs(self._plan, lambda *_: ""):
            effort = sum(map(self._work.measure, job.tasks), NOTHING)
            start, name = "trained" if job.cost else "score", job.key[0]
            kind = name if job.cost else f"{name}, quick"
            outputs = [task.output for task in job.tasks]
            yield self._job("experiments", kind, start, outputs, job.inputs, effort,
                            benchmark=f"experiments/{job.path}")  # fmt: skip
        for name in self._plan.measured:
            files, tables = measurements(self._plan, name), self._files(name, ("csv", "md"))
            yield self._job("tables", ALL, "table", tables, files, Effort(5e-3 * len(files)))

    def _pictures(self) -> Iterator[PlannedJob]:
        paths = self._paths
        for name in self._plan.drawn:
            yield self._figure(name, self._plan.drawn_of(name))
        if self._plan.has_ranks:
            yield self._figure(RANKING, [paths.table("significance", "csv")])
        for name, picture in self._plan.pictures.items():
            (model,), dataset = picture.models_used(self._plan.config), picture.dataset
            n, width = self._sizes.n_images(dataset), self._sizes.width(model)
            images, fits = paths.images(dataset, model), self._plan.transforms_of(name)
            notions = len(picture.notions or ()) + 1
            if name == "trimap":
                points = paths.trimap(dataset, model)
                effort = Effort(self._rates.single["trimap"] * n * notions, 20 * FLOAT * n * width)
                yield self._job("trimap", ALL, "trimap", [points], [images, *fits], effort,
                                benchmark=self._at(points))  # fmt: skip
                yield self._figure(name, [points])
            elif isinstance(picture, SaliencyFigure):
                maps = paths.saliency_maps(dataset, model)
                outputs = [maps, paths.saliency_shares(dataset, model)]
                drawn = picture.images if isinstance(picture.images, int) else len(picture.images)
                count = max(drawn, picture.measured)
                size = self._sizes.model(model)
                of_maps = self._rates.single["saliency"] * (size.gmacs + 0.02)
                effort = Effort(of_maps * count * notions, _WEIGHTS * size.parameters)
                yield self._job("saliency", ALL, "images", outputs, fits, effort,
                                benchmark=self._at(maps))  # fmt: skip
                yield self._figure(name, outputs, self._files(name, ("md", "csv")))
            else:
                yield self._figure(name, [images, *fits])

    def _explorer(self) -> Iterator[PlannedJob]:
        section, paths = self._plan.config.explorer, self._paths
        if section is None:
            return
        shown = explored_runs(self._plan)
        if not shown:
            return
        inputs = [self._plan.scored_file(self._plan.fit_of(run)) for run in shown]
        sizes = {run.fit.dataset: self._sizes.n_images(run.fit.dataset) for run in shown}
        width, count, seconds = self._sizes.width(str(section.model)), 0, 0.0
        for run in shown:
            n = sizes[run.fit.dataset]
            sample = min(section.images, n)
            seconds += self._rates.ranked(sample, width, n)
            seconds += self._rates.single["trimap"] * sample
            count = max(count, sample)
        effort = Effort(seconds, disk=8_000 * count)
        yield self._job("explorer", ALL, "trimap", [paths.at("explorer.html")], inputs, effort,
                        benchmark="explorer")  # fmt: skip

    def _figure(self, name: str, inputs: Iterable[str], more: Sequence[str] = ()) -> PlannedJob:
        outputs = [*(self._paths.figure(name, end) for end in ("pdf", "png", "rst")), *more]
        return self._job("figures", ALL, "figure", outputs, inputs, Effort(disk=_OF_FIGURE))

    def _files(self, name: str, suffixes: Iterable[str]) -> list[str]:
        return [self._paths.table(name, suffix) for suffix in suffixes]

    def _tables(self) -> Iterator[PlannedJob]:
        plan, paths = self._plan, self._paths
        main = [paths.metrics(run) for run in plan.main_runs]
        paper = [paths.metrics(run) for run in plan.paper_runs]
        manifests = [paths.manifest(dataset) for dataset in plan.config.datasets]
        made: list[tuple[str | None, tuple[str, ...], list[str]]] = [
            ("table1", SUFFIXES, [*manifests, *(paths.prompts(*key) for key in plan.prompts)])
        ]
        if paper:
            made.append((None, (), paper))
        if len(main) > len(paper):
            made.append((BEYOND, SUFFIXES, main))
        if main:
            queries = [paths.queries(run) for run in plan.main_runs]
            made.append((CLASSES, ("csv", "md"), [*main, *queries]))
            made.append(("significance", ("csv", "md"), [*main, *queries]))
        if compared := self._compared():
            made.append((COMPARISON, ("csv", "md"), compared))
        outputs: list[str] = []
        for name, suffixes, inputs in made:
            files = self._files(name, suffixes) if name else [
                path for table in PAPER_TABLES for path in self._files(table, SUFFIXES)
            ]  # fmt: skip
            seconds = self._rates.single["significance" if name == "significance" else "row"]
            effort = Effort(seconds * len(inputs))
            yield self._job("tables", ALL, "table", files, inputs, effort)
            outputs += files
        figures = [paths.figure(name, "png") for name in plan.figures]
        measured = [self._files(name, ("csv",)) for name in plan.measured]
        inputs = [*outputs, *figures, *chain(*measured)]
        if plan.main_runs:
            inputs.append(paths.at("metrics.parquet"))
        effort = Effort(
            self._rates.single["row"] * len(plan.runs), disk=2 * _OF_FIGURE * len(figures)
        )
        yield self._job("tables", "report", "report", [paths.at("report.html")], inputs, effort)

    def _compared(self) -> list[str]:
        """The runs of datasets with notions that published values are of."""
        known = read_published(published_files(self._plan.config.published))
        pairs = {*known[["dataset", "notion"]].itertuples(index=False, name=None)}
        runs = self._plan.main_runs
        datasets = {run.fit.dataset for run in runs if (run.fit.dataset, run.fit.notion) in pairs}
        return [self._paths.metrics(run) for run in runs if run.fit.dataset in datasets]
