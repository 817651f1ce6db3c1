"""What the page tells of: the files of a run, and what several of its parts read from them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from lanzdml.figures.words import Words
from lanzdml.files import check_stays
from lanzdml.metrics.runs import COLUMNS, read_runs
from lanzdml.report import provenance
from lanzdml.tables.overview import read_overview
from lanzdml.tables.paper import summarise


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that a part of the page may ask for. What is read is read when it is first asked for.

    Attributes:
        folder: that the page lies in: links lead from there to the files as they lie.
        runs: parquet files with the rows of all runs (:data:`lanzdml.metrics.runs.COLUMNS`).
        main: those of them that all tables but the paper's show.
        paper: those of them that the paper's show, and the chart at a glance; where there are none
            that shows ``main``.
        tables: files of the tables in any format.
        figures: PNG files by name; a PDF beside one is linked.
        words: of each figure, by name.
        prompts: embeddings of prompts by dataset and notion.
        images: embeddings of images by dataset and model.
        transforms: of all runs; the versions that they were fitted with are told.
        config: the resolved configuration.
        benchmarks: folder of Snakemake's benchmark files.
        explorer: the page on which one looks at images, if there is one; it need not be made yet.
    """

    folder: Path
    runs: Sequence[Path]
    main: Sequence[Path]
    paper: Sequence[Path]
    tables: Sequence[Path]
    figures: Mapping[str, Path]
    words: Mapping[str, Words]
    prompts: Mapping[tuple[str, str], Path]
    images: Mapping[tuple[str, str], Path]
    transforms: Sequence[Path]
    config: Mapping[str, Any]
    benchmarks: Path
    explorer: Path | None = None

    def __post_init__(self) -> None:
        """Check that no file is a link to one elsewhere, which would be shown as a result.

        Raises:
            LanzdmlError: one is.
        """
        several = self.prompts, self.images, self.figures
        for path in (
            *self.runs, *self.main, *self.paper, *self.tables, *self.transforms,
            *(path for paths in several for path in paths.values()),
            *(path.with_suffix(".pdf") for path in self.figures.values()),
        ):  # fmt: skip
            check_stays(path, self.folder)

    @cached_property
    def all_runs(self) -> pd.DataFrame:
        """The rows of all runs; none where nothing was scored."""
        return read_runs(self.runs) if self.runs else pd.DataFrame(columns=list(COLUMNS))

    @cached_property
    def summary(self) -> pd.DataFrame | None:
        """What :func:`lanzdml.tables.paper.summarise` makes of the main runs."""
        return summarise(read_runs(self.main)) if self.main else None

    @cached_property
    def paper_summary(self) -> pd.DataFrame | None:
        """The same of the paper's runs."""
        return summarise(read_runs(self.paper)) if self.paper else None

    @cached_property
    def overview(self) -> pd.DataFrame | None:
        """The rows of Table 1: what there is of each notion."""
        path = self.csv("table1")
        return None if path is None else read_overview(path)

    @cached_property
    def embedded(self) -> list[provenance.Embedded]:
        """How the images were embedded, and how many."""
        return provenance.embedded(self.images)

    @cached_property
    def commit(self) -> provenance.Commit:
        """The commit of the code."""
        return provenance.commit()

    def csv(self, table: str) -> Path | None:
        """The CSV file of a table, by the table's name."""
        wanted = f"{table}.csv"
        return next((path for path in self.tables if path.name == wanted), None)

    def link(self, path: Path) -> Markup:
        """The address of a file on the page."""
        return Markup(quote(Path(os.path.relpath(path, self.folder)).as_posix()))
