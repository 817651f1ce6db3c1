"""Which of a dataset's images are queries, where a protocol tells these from their gallery."""

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import Field

from lanzdml.config.notions import NotionConfig
from lanzdml.config.section import Name, Section
from lanzdml.datasets.queries import GALLERY, QUERY, Queries
from lanzdml.errors import suggest

Scored = Mapping[str, Mapping[str, NotionConfig]]
"""The scored notions of each dataset."""
SHARE = 0.1


class QueriesConfig(Section):
    """Queries and their gallery: a share of the images, a column of the table, or two datasets."""

    share: Annotated[
        float | None,
        Field(gt=0, lt=1, description=f"of the images that are queries; {SHARE} unless given"),
    ] = None
    seed: Annotated[
        int | None, Field(ge=0, lt=2**32, description="of the share's draw; 0 unless given")
    ] = None
    column: Annotated[
        str | None,
        Field(
            min_length=1,
            description=f"in place of share: column of the table whose cells are {QUERY} or "
            f"{GALLERY}; images with another cell are neither",
        ),
    ] = None
    dataset: Annotated[
        Name | None,
        Field(
            description="in place of share: another dataset, whose images are the queries; this "
            "one's are the gallery"
        ),
    ] = None

    @property
    def of_one_dataset(self) -> Queries | None:
        """What tells them from their own dataset's gallery; None where they are another's."""
        if self.dataset is not None:
            return None
        if self.column is not None:
            return Queries(column=self.column)
        return Queries(share=self.share or SHARE, seed=self.seed or 0)

    def check(self, key: str, name: str, scored: Scored, known: Collection[str]) -> list[str]:
        """Whether it is said in one way, of what is there.

        Args:
            key: of this section.
            name: of its dataset.
            scored: of the benchmark.
            known: what the dataset has columns for.
        """
        ways = self.given("share", "column", "dataset")
        if len(ways) > 1:
            return [f"{key}: give one of share, column and dataset, not {' and '.join(ways)}"]
        lines = []
        if ways not in ([], ["share"]) and self.seed is not None:
            lines.append(f"{key}.seed: is for a share; leave it out")
        if self.column is not None and self.column not in known:
            lines.append(
                f"{key}.column: {name} has no column {self.column!r}; {suggest(self.column, known)}"
            )
        if self.dataset == name:
            lines.append(f"{key}.dataset: is {name} itself; a share or a column splits one dataset")
        elif self.dataset is not None and self.dataset not in scored:
            lines.append(
                f"{key}.dataset: there is no dataset {self.dataset!r}; "
                + suggest(self.dataset, scored)
            )
        elif self.dataset is not None:
            lines += self._check_notions(key, name, scored[name], scored[self.dataset])
        return lines

    def _check_notions(
        self,
        key: str,
        name: str,
        notions: Mapping[str, NotionConfig],
        others: Mapping[str, NotionConfig],
    ) -> list[str]:
        """Whether the queries' dataset has the notions of the gallery's, with labels."""
        lines = []
        for notion, settings in notions.items():
            if notion not in others:
                lines.append(
                    f"{key}.dataset: {self.dataset} has no scored notion {notion!r}, as {name} "
                    f"has; add it to datasets.{self.dataset}.notions"
                )
            elif settings.combine != others[notion].combine:
                lines.append(f"{key}.dataset: {notion} combines other notions in {self.dataset}")
            if settings.external:
                lines.append(
                    f"datasets.{name}.notions.{notion}.external: are of one dataset, and queries "
                    "of another; leave either out"
                )
        return lines
