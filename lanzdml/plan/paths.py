"""The files of a benchmark, one folder a stage; what identifies a result is in its path."""

from dataclasses import dataclass

from lanzdml.plan.runs import Fit, Run


@dataclass(frozen=True)
class Paths:
    """Paths below a folder of results. A name may be a pattern of Snakemake's: "{dataset}"."""

    results: str

    def at(self, path: str) -> str:
        """A path below the folder."""
        return f"{self.results}/{path}"

    @property
    def kept(self) -> str:
        """The folder of what was made once, see :class:`lanzdml.files.Kept`."""
        return self.at("kept")

    def download(self, dataset: str) -> str:
        """The record of a download."""
        return self.at(f"datasets/{dataset}/download.json")

    def manifest(self, dataset: str) -> str:
        """A dataset's images and labels."""
        return self.at(f"datasets/{dataset}/manifest.parquet")

    def images(self, dataset: str, model: str) -> str:
        """Embeddings of a dataset's images."""
        return self.at(f"embeddings/{dataset}/{model}/images.parquet")

    def shard(self, dataset: str, model: str, shard: int | str, shards: int | str) -> str:
        """Embeddings of some of them, until all are there."""
        return self.at(f"embeddings/{dataset}/{model}/shards/{shard}-of-{shards}.parquet")

    def shards(self, dataset: str, model: str, n: int) -> list[str]:
        """All of them, in order."""
        return [self.shard(dataset, model, shard, n) for shard in range(1, n + 1)]

    def prompts(self, dataset: str, model: str, notion: str) -> str:
        """Embeddings of a notion's prompts."""
        return self.at(f"embeddings/{dataset}/{model}/prompts/{notion}.parquet")

    def vectors(self, dataset: str, notion: str, method: str, seed: int) -> str:
        """Finished vectors of a dataset's images, of a method that was run elsewhere."""
        return self.at(f"vectors/{dataset}/{notion}/{method}/seed-{seed}.parquet")

    def transform(self, fit: Fit) -> str:
        """What a method learned."""
        return self.at(f"transforms/{fit.path}.safetensors")

    def metrics(self, run: Run) -> str:
        """A run's row, or rows."""
        return self.at(f"metrics/{run.path}.parquet")

    def queries(self, run: Run) -> str:
        """A row a query, of the tables' runs only, as the next two."""
        return self.at(f"queries/{run.path}.parquet")

    def clusterings(self, run: Run) -> str:
        """A row a pair of seeds, of fit and of k-means."""
        return self.at(f"clusterings/{run.path}.parquet")

    def draws(self, run: Run) -> str:
        """A row a draw of images."""
        return self.at(f"draws/{run.path}.parquet")

    def ranked_shard(self, run: str, shard: int | str, shards: int | str) -> str:
        """What the ranking of some of a run's queries gives; of its path."""
        return self.at(f"shards/{run}/{shard}-of-{shards}.safetensors")

    def ranked_shards(self, run: Run, n: int) -> list[str]:
        """All of them, in order."""
        return [self.ranked_shard(str(run.path), shard, n) for shard in range(1, n + 1)]

    def clusters(self, run: str) -> str:
        """What clustering gives of a run whose queries are ranked in shards; of its path."""
        return self.at(f"shards/{run}/clusters.json")

    def measured(self, experiment: str, run: Run, wording: str | None = None) -> str:
        """What an experiment measures of a method on a notion, or on one of its wordings."""
        of_wording = "" if wording is None else f"/wordings/{wording}"
        return self.at(f"experiments/{experiment}/{run.path.parent}{of_wording}.parquet")

    def applied(self, collection: str, shard: str) -> str:
        """What was made of one file of a collection's vectors."""
        return self.at(f"collections/{collection}/shards/{shard}.parquet")

    def gathered(self, collection: str, name: str) -> str:
        """Of all of them: ``ids.parquet``, ``vectors.npy``, ``vectors.faiss``."""
        return self.at(f"collections/{collection}/{name}")

    def trimap(self, dataset: str, model: str) -> str:
        """The points of a TriMap."""
        return self.at(f"trimap/{dataset}/{model}.parquet")

    def saliency_maps(self, dataset: str, model: str) -> str:
        """Saliency maps of some images."""
        return self.at(f"saliency/{dataset}/{model}/maps.safetensors")

    def saliency_shares(self, dataset: str, model: str) -> str:
        """What share of the maps is on the foreground."""
        return self.at(f"saliency/{dataset}/{model}/shares.parquet")

    def table(self, name: str, suffix: str) -> str:
        """A table, for readers or for programs."""
        return self.at(f"tables/{name}.{suffix}")

    def figure(self, name: str, suffix: str) -> str:
        """A figure."""
        return self.at(f"figures/{name}.{suffix}")
