"""Jobs that large data is cut into: shards of a run's queries, and files of a collection."""

from collections.abc import Iterator

from lanzdml.estimate.planned import PlannedJob, Planner
from lanzdml.estimate.work import FLOAT, Effort
from lanzdml.metrics.task import ScoreTask
from lanzdml.plan.runs import Run
from lanzdml.plan.shards import clustering_of, ranking_of
from lanzdml.plan.versions import no_version

_BYTES_A_SECOND = 1e8  # read and written


class LargeJobs(Planner):
    """Makes them of a plan."""

    def shards(
        self, run: Run, task: ScoreTask, ranking: Effort, clustering: Effort
    ) -> Iterator[PlannedJob]:
        """What ranks some of a run's queries each, and what clusters.

        Args:
            run: that is scored.
            task: that puts together what these give.
            ranking, clustering: of the whole run.
        """
        assert task.clusters is not None, "a run in shards has its clusters by themselves"
        n, of_run = len(task.shards), run.path
        at = f"metrics/{run.fit.dataset}"
        name = f"{run.protocol}/{of_run.relative_to(f'{run.protocol}/{run.fit.dataset}')}"
        part = Effort(ranking.seconds / n, ranking.data, 1_000_000 / n)
        inputs = ranking_of(task, no_version).inputs
        for number, output in enumerate(task.shards, 1):
            benchmark = f"{at}/shards/{name}/{number}-of-{n}"
            yield self._job("metrics", "shards", "score", [output], inputs, part,
                            benchmark=benchmark)  # fmt: skip
        clusters = clustering_of(task, no_version)
        inputs = [*clusters.inputs, *clusters.siblings]
        yield self._job("metrics", "clusters", "score", [task.clusters], inputs, clustering,
                        benchmark=f"{at}/clusters/{name}")  # fmt: skip

    def collections(self) -> Iterator[PlannedJob]:
        """What transforms each file of a collection, and what puts these together."""
        for name, settings in self._plan.config.collections.items():
            fit, n_bytes = self._plan.applied[name], 0
            width = self._sizes.width(fit.model)
            dim = self._sizes.dim(fit.dim, width, self._sizes.n_prompts(fit.dataset, fit.notion))
            outputs = []
            for shard, source in settings.shards().items():
                size = source.file.stat().st_size
                n = size // (FLOAT * width)
                written = FLOAT * n * dim
                seconds = self._rates.transformed(fit.method, n) + size / _BYTES_A_SECOND
                output = self._paths.applied(name, shard)
                yield self._job("collections", "transform", "score", [output],
                                [self._paths.transform(fit)], Effort(seconds, 3 * size, written),
                                benchmark=self._at(output))  # fmt: skip
                outputs.append(output)
                n_bytes += written
            gathered = [self._paths.gathered(name, file) for file in ("ids.parquet", "vectors.npy")]
            effort = Effort(n_bytes / _BYTES_A_SECOND, n_bytes, n_bytes)
            yield self._job("collections", "gather", "score", gathered, outputs, effort,
                            benchmark=self._at(gathered[1]))  # fmt: skip
            if settings.index:
                index = self._paths.gathered(name, "vectors.faiss")
                yield self._job("collections", "index", "score", [index], [gathered[1]], effort,
                                benchmark=self._at(index))  # fmt: skip
