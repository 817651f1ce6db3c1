"""The page itself: what is on it, and how the parts become one file.

Everything is inside: figures as data, style and script as text. A policy in the page's head allows
nothing to be loaded and no script but ours to run, so what labels, prompts or reasons hold is text
at most.
"""

import base64
import hashlib
import json
import os
import struct
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lanzdml.figures.saliency.table import share_table
from lanzdml.figures.style import DPI
from lanzdml.files import write_text
from lanzdml.methods import in_order
from lanzdml.metrics.runs import COLUMNS, read_runs
from lanzdml.metrics.scores import METRICS
from lanzdml.names import DATASET_NAMES, METHOD_NAMES, METRIC_NAMES, NOTION_NAMES, on_paper
from lanzdml.report import PARTS, cost, explained, provenance
from lanzdml.report.glance import Glance, glances
from lanzdml.report.grid import Grid, make_grid
from lanzdml.report.run_table import run_table
from lanzdml.significance.comparisons import read_significance
from lanzdml.significance.table import blocks
from lanzdml.tables import beyond
from lanzdml.tables.markup import DASH, Table
from lanzdml.tables.overview import overview_table, read_overview
from lanzdml.tables.paper import sections, summarise
from lanzdml.tables.published import INTRODUCTION, comparisons
from lanzdml.transforms.storage import OK

GALLERY, SALIENCY = "gallery", "saliency"
SIGNIFICANCE, CRITICAL_DIFFERENCE = "significance", "critical_difference"
OVERVIEW, COMPARISON = "table1", "published_comparison"
PLACED = (GALLERY, CRITICAL_DIFFERENCE)  # in sections of their own
_PIXELS_PER_INCH = 128  # a third larger than in print
_FORMATS = {"csv": "CSV", "tex": "LaTeX", "md": "Markdown"}

# Title, and what can be seen, for those who cannot.
FIGURES = {
    GALLERY: (
        "The method in one look",
        "Rows of images: a query, then its nearest neighbours, side by side for CLIP and for "
        "InDiReCT with each notion; frames mark neighbours of the query's class and others.",
    ),
    "dimensions": (
        "Size of the embeddings",
        "Line chart with a panel for each notion: MAP@R over the number of dimensions, a line with "
        "error bars for each method.",
    ),
    "clip_size": (
        "Size of the CLIP model",
        "Chart with a panel for each notion: MAP@R of the methods over CLIP models by size.",
    ),
    "prompt_count": (
        "Number of prompts",
        "Line chart: MAP@R over the number of prompts that a method learns from, with error bars, "
        "and as a dashed line what it reaches with all of them.",
    ),
    CRITICAL_DIFFERENCE: (
        "Mean ranks",
        "Axis of mean ranks with the methods on it; bars join those that are not told apart.",
    ),
    "trimap": (
        "Map of the embeddings",
        "Scatter plots of the images in two dimensions, coloured by class: for each notion CLIP's "
        "embeddings beside InDiReCT's.",
    ),
    SALIENCY: (
        "Where the methods look",
        "Images beside maps of the difference in saliency: yellow where InDiReCT attends more than "
        "CLIP, blue where CLIP does.",
    ),
}


@dataclass(frozen=True)
class Figure:
    """A figure of the page."""

    name: str
    title: str
    data: str
    width: int
    height: int
    alt: str
    caption: str
    pdf: str | None


@dataclass(frozen=True)
class PromptList:
    """The prompts of a notion."""

    dataset: str
    notion: str
    prompts: list[str]


def write_report(
    output: Path,
    *,
    runs: Sequence[Path],
    main: Sequence[Path],
    paper: Sequence[Path],
    tables: Sequence[Path],
    figures: Mapping[str, Path],
    captions: Mapping[str, str],
    prompts: Mapping[tuple[str, str], Path],
    images: Mapping[tuple[str, str], Path],
    transforms: Sequence[Path],
    config: Mapping[str, Any],
    benchmarks: Path,
) -> None:
    """Write the page.

    What is not there (nothing was scored, no figure was asked for) is left out. Links lead from the
    folder of ``output`` to the files as they lie.

    Args:
        output: the page.
        runs: parquet files with the rows of all runs (:data:`lanzdml.metrics.runs.COLUMNS`).
        main: those of them that all tables but the paper's show.
        paper: those of them that the paper's show, and the chart at a glance; where there are none
            that shows ``main``.
        tables: files of the tables in any format. The CSVs ``table1``, ``significance`` and
            ``published_comparison`` are shown, and ``saliency`` below the figure of that name.
            Where ``beyond`` is there, all methods are shown in a table, too.
        figures: PNG files by name; a PDF beside one is linked.
        captions: of the figures, plain text.
        prompts: embeddings of prompts by dataset and notion.
        images: embeddings of images by dataset and model.
        transforms: of all runs; the versions that they were fitted with are told.
        config: the resolved configuration.
        benchmarks: folder of Snakemake's benchmark files.
    """
    all_runs = _read_runs(runs)
    summary, of_paper = (summarise(read_runs(files)) if files else None for files in (main, paper))
    csv = {path.stem: path for path in tables if path.suffix == ".csv"}
    pages_folder = output.parent
    shown = [
        _figure(name, path, captions.get(name, ""), pages_folder) for name, path in figures.items()
    ]
    placed = {figure.name: figure for figure in shown if figure.name in PLACED}
    embedded = provenance.embedded(images)
    fits = cost.fit_costs(all_runs[~_stacked(all_runs, config["datasets"])])
    jobs = cost.job_costs(benchmarks, config["datasets"])
    page = {
        "now": datetime.now(UTC),
        "commit": provenance.commit(),
        "scope": _scope(config),
        "facts": _facts(config, embedded, all_runs),
        "glances": _glances(summary, of_paper),
        "gallery": placed.get(GALLERY),
        "scored": summary is not None,
        "results": _sections(of_paper, "table2"),
        "appendix": _sections(of_paper, "appendix_table1"),
        "beyond": _beyond(summary, csv[OVERVIEW]) if beyond.NAME in csv else [],
        "significance": _significance(csv[SIGNIFICANCE]) if SIGNIFICANCE in csv else [],
        "ranking": placed.get(CRITICAL_DIFFERENCE),
        "overview": _overview(csv[OVERVIEW]) if OVERVIEW in csv else None,
        "figures": [figure for figure in shown if figure.name not in PLACED],
        "figure_tables": {SALIENCY: _saliency(csv[SALIENCY])} if SALIENCY in csv else {},
        "comparison": _comparison(csv[COMPARISON]) if COMPARISON in csv else [],
        "comparison_introduction": " ".join(INTRODUCTION),
        "runs": run_table(all_runs) if len(all_runs) else None,
        "config": _yaml(config),
        "prompts": [
            PromptList(
                on_paper(dataset, DATASET_NAMES),
                on_paper(notion, NOTION_NAMES),
                provenance.read_prompts(path),
            )
            for (dataset, notion), path in prompts.items()
        ],
        "embedded": embedded,
        "versions": provenance.versions(),
        "fitted_with": provenance.fitted_with(transforms),
        "cost": cost.total(fits, jobs),
        "costs": [*_fit_costs(fits), *_job_costs(jobs)],
        "methods": _explained_methods(config, all_runs),
        "metrics": [
            (on_paper(name, METRIC_NAMES), explained.explain_metric(name)) for name in METRICS
        ],
        "protocols": _explained_protocols(all_runs),
        "files": _files(runs, tables, figures, pages_folder),
    }
    write_text(output, _render(page))


def _render(page: dict[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(PARTS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = explained.prose
    environment.filters["dataset"] = lambda name: on_paper(name, DATASET_NAMES)
    style, script = (
        (PARTS / name).read_text(encoding="utf-8") for name in ("style.css", "runs.js")
    )
    return environment.get_template("template.html.j2").render(
        page,
        notation=explained.NOTATION,
        queries=explained.QUERIES,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _read_runs(paths: Sequence[Path]) -> pd.DataFrame:
    return read_runs(paths) if paths else pd.DataFrame(columns=list(COLUMNS))


def _stacked(runs: pd.DataFrame, datasets: Mapping[str, Any]) -> pd.Series:
    """Whether each run's transform is a stack of others, which were fitted for other notions."""
    found = [
        datasets.get(dataset, {"notions": {}})["notions"].get(notion, {}).get("by") == "stacked"
        for dataset, notion in zip(runs["dataset"], runs["notion"], strict=True)
    ]
    return pd.Series(found, runs.index, dtype="bool")


def _grids(name: str, tables: Iterable[Table]) -> list[Grid]:
    return [make_grid(f"{name}-{number}", table) for number, table in enumerate(tables, start=1)]


def _sections(summary: pd.DataFrame | None, table: str) -> list[Grid]:
    if summary is None:
        return []
    return _grids(table, (section.table() for section in sections(summary, table)))


def _beyond(summary: pd.DataFrame, overview: Path) -> list[Grid]:
    return _grids(beyond.NAME, beyond.tables(summary, read_overview(overview)))


def _glances(summary: pd.DataFrame | None, of_paper: pd.DataFrame | None) -> list[Glance]:
    """The charts: of the paper's methods where there are any, as more would hide each other."""
    if summary is None:
        return []
    if of_paper is None or set(of_paper["method"]) == set(summary["method"]):
        return glances(summary if of_paper is None else of_paper)
    return glances(of_paper, "the best of the paper's methods")


def _scope(config: Mapping[str, Any]) -> str:
    """What was run, in a sentence."""
    datasets, models = config["datasets"], config["experiments"]["main"]["models"]
    n_notions = sum(len(settings["notions"]) for settings in datasets.values())
    return (
        f"{_count(config['methods'], 'method')} on {_count(range(n_notions), 'similarity notion')} "
        f"of {', '.join(on_paper(name, DATASET_NAMES) for name in datasets)}, with the CLIP "
        f"{'model' if len(models) == 1 else 'models'} {', '.join(models)} and "
        f"{_count(config['seeds'], 'seed')}."
    )


def _count(things: Sized, name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def _facts(
    config: Mapping[str, Any], embedded: Sequence[provenance.Embedded], runs: pd.DataFrame
) -> list[tuple[str, list[str]]]:
    """What was run: a term and its values."""
    n_images = {dataset: n for entry in embedded for dataset, n in entry.images.items()}
    datasets, notions = [], []
    for name, settings in config["datasets"].items():
        on_page = on_paper(name, DATASET_NAMES)
        datasets.append(f"{on_page} ({n_images[name]:,} images)" if name in n_images else on_page)
        listed = ", ".join(
            on_paper(notion, NOTION_NAMES)
            + ("" if details.get("scored", True) else " (not scored)")
            + (f" ({details['by']})" if details.get("combine") else "")
            for notion, details in settings["notions"].items()
        )
        notions.append(listed if len(config["datasets"]) == 1 else f"{on_page}: {listed}")
    protocol = config["protocol"]
    facts = [
        ("Datasets", datasets),
        ("Similarity notions", notions),
        ("CLIP models", [", ".join(config["experiments"]["main"]["models"])]),
        ("Methods", [", ".join(on_paper(name, METHOD_NAMES) for name in config["methods"])]),
        ("Dimensions r′", [", ".join(map(str, config["dims"]))]),
        ("Seeds", [", ".join(map(str, config["seeds"]))]),
        ("Protocol", [protocol if isinstance(protocol, str) else ", ".join(protocol)]),
    ]
    if len(runs):
        failed = int((runs["status"] != OK).sum())
        note = f"; {failed:,} of them could not be made" if failed else ""
        facts.append(("Runs", [f"{len(runs):,} with the ablations{note}"]))
    return facts


def _figure(name: str, png: Path, caption: str, folder: Path) -> Figure:
    content = png.read_bytes()
    pixels = struct.unpack(">II", content[16:24])  # of the PNG's first chunk
    width, height = (round(n * _PIXELS_PER_INCH / DPI) for n in pixels)
    plain = name.replace("_", " ").capitalize()
    title, seen = FIGURES.get(name, (plain, f"Figure: {plain}."))
    pdf = png.with_suffix(".pdf")
    return Figure(
        name,
        title,
        f"data:image/png;base64,{base64.b64encode(content).decode()}",
        width,
        height,
        seen,
        caption,
        _link(pdf, folder) if pdf.is_file() else None,
    )


def _saliency(path: Path) -> Grid | None:
    # Only what is empty is missing: a notion may be called "null", or "007".
    texts = dict.fromkeys(["dataset", "notion"], "str")
    summary = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    return make_grid(f"{SALIENCY}-table", share_table(summary)) if len(summary) else None


def _overview(path: Path) -> Grid:
    return make_grid(OVERVIEW, overview_table(read_overview(path)))


def _comparison(path: Path) -> list[Grid]:
    rows = pd.read_csv(path, dtype={"note": "str"})
    tables = (
        replace(table, caption=f"{table.caption}. {' '.join(explanation)}")
        for explanation, table in comparisons(rows)
    )
    return _grids("comparison", tables)


def _significance(path: Path) -> list[tuple[str, str, list[Grid]]]:
    """Of each setting: its name, what was found, and the tables."""
    found = []
    for number, block in enumerate(blocks(read_significance(path)), start=1):
        tables = (
            replace(table, caption=f"{table.caption}, {block.setting}") for table in block.tables
        )
        setting = block.setting.replace("r'", "r′")
        found.append((setting, block.finding, _grids(f"{SIGNIFICANCE}-{number}", tables)))
    return found


def _yaml(config: Mapping[str, Any]) -> str:
    plain = json.loads(json.dumps(config))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def _fit_costs(costs: pd.DataFrame) -> list[Grid]:
    if costs.empty:
        return []
    cells = [
        [
            f"{row['fits']:,.0f}",
            *(cost.duration(row[name]) for name in ("median", "longest", "sum")),
            _number(row["iterations"]),
            _number(row["iteration_ms"], 2),
        ]
        for _, row in costs.iterrows()
    ]
    caption = "Fits, without starting a process or reading files"
    heads = [(on_paper(name, METHOD_NAMES),) for name in costs.index]
    columns = ["Fits", "Median", "Longest", "Sum", "Iterations", "ms an iteration"]
    notes = [
        "Iterations are the mean over the fits, milliseconds an iteration the median.",
        "A fit that several runs share counts once. Fits that ran side by side in one job count in "
        "full.",
    ]
    return [make_grid("cost-fits", Table(caption, ["Method"], heads, columns, cells, notes))]


def _job_costs(costs: pd.DataFrame) -> list[Grid]:
    if costs.empty:
        return []
    cells = [
        [
            f"{row['jobs']:,.0f}",
            *(_duration(row[name]) for name in ("median", "longest", "sum", "cpu")),
            _number(row["memory"]),
        ]
        for _, row in costs.iterrows()
    ]
    caption = "Jobs on these datasets, also of earlier configurations, as they ran last"
    kinds = [on_paper(kind, METHOD_NAMES) for kind in costs["kind"]]
    heads = list(zip(costs["stage"], kinds, strict=True))
    columns = ["Jobs", "Median", "Longest", "Sum", "CPU, sum", "Memory, MiB"]
    notes = [
        "Median, longest and sum are of wall time; jobs ran side by side. Memory is the largest.",
        "CPU time and memory are sampled, in a long job every 30 seconds: both can be too low. A "
        "job that ended before the first sample is left out of them.",
        "Tables, figures and this page are not measured.",
    ]
    return [make_grid("cost-jobs", Table(caption, ["Stage", "Job"], heads, columns, cells, notes))]


def _duration(seconds: float) -> str:
    return DASH if pd.isna(seconds) else cost.duration(seconds)


def _number(value: float, decimals: int = 0) -> str:
    return DASH if pd.isna(value) else f"{value:,.{decimals}f}"


def _explained_methods(
    config: Mapping[str, Any], runs: pd.DataFrame
) -> list[tuple[str, explained.Explanation]]:
    names = in_order([*config["methods"], *runs["method"].unique()])
    return [(on_paper(name, METHOD_NAMES), explained.explain_method(name)) for name in names]


def _explained_protocols(runs: pd.DataFrame) -> list[tuple[str, str]]:
    known = explained.PROTOCOL_EXPLANATIONS
    return [(name, known[name]) for name in runs["protocol"].unique() if name in known]


def _files(
    runs: Sequence[Path], tables: Sequence[Path], figures: Mapping[str, Path], folder: Path
) -> list[tuple[str, list[tuple[str, str]]]]:
    """What to link: a name and the formats, each with its address."""
    found = [(path.name, [("Parquet", _link(path, folder))]) for path in runs]
    for stem in dict.fromkeys(path.stem for path in tables):
        formats = [
            (_FORMATS.get(path.suffix[1:], path.suffix[1:]), _link(path, folder))
            for path in tables
            if path.stem == stem
        ]
        found.append((f"Table {stem}", formats))
    for name, png in figures.items():
        files = [path for path in (png.with_suffix(".pdf"), png) if path.is_file()]
        formats = [(path.suffix[1:].upper(), _link(path, folder)) for path in files]
        found.append((f"Figure {name}", formats))
    return found


def _link(path: Path, folder: Path) -> str:
    return quote(Path(os.path.relpath(path, folder)).as_posix())
