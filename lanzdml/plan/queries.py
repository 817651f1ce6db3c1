"""The part of a plan about queries: which images they are by the protocols that split a dataset."""

from lanzdml.config.queries import QueriesConfig
from lanzdml.datasets.labels import LabelColumns
from lanzdml.datasets.queries import Queries
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.plan.notions import NotionPlan


class QueryPlan(NotionPlan):
    """What a configuration says of queries."""

    def queries_of(self, protocol: str, dataset: str) -> QueriesConfig | None:
        """Which of a dataset's images are queries; None where each is one to all others."""
        if not PROTOCOLS[protocol].split:
            return None
        return self.config.datasets[dataset].queries or QueriesConfig()

    def ranking_dataset(self, protocol: str, dataset: str) -> str:
        """The dataset whose images are a run's queries: mostly its own."""
        settings = self.queries_of(protocol, dataset)
        return (settings.dataset if settings else None) or dataset

    def has_gallery(self, protocol: str, dataset: str) -> bool:
        """Whether a dataset is ranked by a protocol, and not only what queries another."""
        settings = self.config.datasets
        asked = {of.queries.dataset for of in settings.values() if of.queries}
        only_queries = dataset in asked and settings[dataset].queries is None
        return not (PROTOCOLS[protocol].split and only_queries)

    def labels_of_queries(
        self, protocol: str, dataset: str, labels: str
    ) -> tuple[str, LabelColumns]:
        """The dataset whose images are queries to a dataset's, and where their labels are."""
        of_queries = self.ranking_dataset(protocol, dataset)
        return of_queries, self.label_columns(of_queries, labels)

    def datasets_of(self, picture: str) -> list[str]:
        """A picture's dataset, and the one whose images are queries to it where another's are."""
        shown = self.config.given_pictures[picture]
        if not shown.retrieves:
            return [shown.dataset]
        of_queries = self.ranking_dataset(self.shown_protocol, shown.dataset)
        return list(dict.fromkeys((shown.dataset, of_queries)))

    def queries_shown(self, picture: str) -> Queries | None:
        """Which images of its dataset a picture's queries are; None where each can be one."""
        settings = self.queries_of(self.shown_protocol, self.config.given_pictures[picture].dataset)
        return settings.of_one_dataset if settings else None

    @property
    def shown_protocol(self) -> str:
        """What pictures go by: the first of the tables."""
        return self.config.protocols[0]
