"""A small report with everything on it, and with texts that try to break out."""

import numpy as np
import pandas as pd

from lanzdml.embeddings.storage import write_embeddings
from lanzdml.figures.style import new_figure, write_figure
from lanzdml.figures.words import Words
from lanzdml.metrics.runs import CHANCE, RUN, traits_of, write_runs
from lanzdml.metrics.scores import METRICS, RANK_METRICS
from lanzdml.report.page import write_report
from lanzdml.report.parts import PARTS
from lanzdml.report.results import Results
from lanzdml.significance.comparisons import COLUMNS as SIGNIFICANCE
from lanzdml.significance.table import write_significance
from lanzdml.spreadsheet import to_csv
from lanzdml.tables.overview import Notion, write_overview
from lanzdml.tables.paper import write_tables
from lanzdml.tables.published import write_comparison

EVIL = (
    """<script>window.stolen = 1</script>"'&amp;</script><img src=x onerror="window.stolen = 1">"""
)
METHODS = ("random", "clip", "indirect", "pca", "oracle")
SEEDS = (0, 1)
NOTIONS = ("car_color", EVIL)
ARCHITECTURE = EVIL
REASON = f"PCA needs more prompts than <b>{EVIL}"


def runs(notion, *, model="tiny", dim=4, n_prompts=3, dataset="synthetic_cars"):
    """Rows of two seeds of every method; PCA could not be made.

    A method's fits take half a second each more than those of the method before it.
    """
    rows = []
    for i, method in enumerate(METHODS):
        for seed in SEEDS:
            row = {
                "dataset": dataset, "notion": notion, "model": model, "protocol": "paper",
                "method": method, "dim": 8 if method == "clip" else dim,
                "n_prompts": None if method == "oracle" else n_prompts, "seed": seed,
                "fit_seconds": 0.5 * i,
                "iterations": 100 + 300 * seed if method in ("indirect", "oracle") else None,
                "n_images": 6, "n_classes": 2,
                "n_queries": 9, "tied_queries": 0, "loss": None, "status": "ok",
                "against": None, "dim_auto": False, **traits_of(method),
                **{CHANCE + name: 0.125 for name in RANK_METRICS},
            }  # fmt: skip
            if method == "pca":
                row |= {"status": "not_fitted", "reason": REASON, "fit_seconds": None}
            else:
                values = (i + 1) / 8 + 0.01 * seed + dim / 1000
                row |= dict.fromkeys(METRICS, values if method != "clip" else 0.25)
            rows.append(row)
    return pd.DataFrame(rows)


def significance():
    """InDiReCT beside CLIP on each notion, and their ranks."""
    setting = {"protocol": "paper", "model": "tiny", "dim": 4}
    rows = []
    for metric in ("map_at_r", "precision_at_1"):
        here = setting | {"metric": metric, "n": len(NOTIONS)}
        rows += [
            here | {"part": "difference", "dataset": "synthetic_cars", "notion": notion, "n": 6,
                    "method": "clip", "other": "indirect", "value": -12.5, "low": -20.0,
                    "high": -5.0, "decided": True, "counted": True}
            for notion in NOTIONS
        ]  # fmt: skip
        for rank, method in enumerate(("indirect", "clip"), start=1):
            rows.append(here | {"part": "mean_rank", "method": method, "value": rank})
        rows.append(here | {"part": "critical_difference", "value": 1.39})
        rows.append(here | {"part": "mean_rank", "method": "pca", "reason": EVIL})
        rows.append(here | {"part": "signed_rank", "method": "clip", "other": "indirect",
                            "value": -12.5, "better": 0, "worse": 2, "p": 0.5,
                            "p_holm_reference": 0.5})  # fmt: skip
    return pd.DataFrame(rows, columns=list(SIGNIFICANCE))


def classes():
    """Two classes of each notion, one lost and one gained; CLIP's size is nobody's choice."""
    rows = [
        {"dataset": "synthetic_cars", "notion": notion, "class": label, "n_images": 3,
         "method": method, "map_at_r": 50 + change, "precision_at_1": 50,
         "map_at_r_minus_clip": change, "precision_at_1_minus_clip": 0, "unit": "percent",
         "n_seeds": 2, "protocol": "paper", "model": "tiny", "dim": dim}
        for notion in NOTIONS
        for method, dim, changes in (("clip", None, (0, 0)), ("indirect", 4, (-7.5, 3.25)))
        for label, change in zip(("N/A", EVIL), changes, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"dim": "Int64"})


def compare_papers(folder, papers=None):
    """Write the comparison of runs that two papers have values of, each in its protocol.

    Car models were run in the protocols of both, shapes and DeepFashion's fits in one only.

    Args:
        folder: to write to, tables and runs.
        papers: files of published values in place of those there are.
    """
    rows = pd.concat([
        runs("car_model", dim=128, dataset="cars196"),
        runs("car_model", dim=128, dataset="cars196").assign(protocol="query_gallery"),
        runs("shape", dim=128, dataset="clevr4").assign(protocol="query_gallery"),
        runs("color", dim=128, dataset="clevr4"),
        runs("fit", dim=128, dataset="deepfashion").assign(protocol="query_gallery"),
    ])  # fmt: skip
    clay = rows[rows["method"] == "indirect"].assign(method="clay", **traits_of("clay"))
    folder.mkdir(parents=True, exist_ok=True)
    write_runs(folder / "papers.parquet", pd.concat([rows, clay]))
    write_comparison([folder / "papers.parquet"], folder, papers)
    return [folder / "published_comparison.csv", folder / "published_comparison.md"]


# Seconds, peak memory and CPU seconds of jobs, as Snakemake writes them.
BENCHMARKS = {
    "saliency/synthetic_cars/tiny/maps": ("NA", "-", "NA"),
    "metrics/synthetic_cars/main/paper/tiny/quick": (1, 200, 0.5),
    "metrics/synthetic_cars/main/paper/tiny/oracle": (0.5, 2, 0),
    "metrics/synthetic_cars/dimensions/indirect": (4.5, 240.4, 4),
    "transforms/synthetic_cars/main/tiny/quick": (2.5, 300, 2),
    "transforms/synthetic_cars/main/tiny/oracle": (175.5, "NA", "-"),
    "transforms/synthetic_cars/main/tiny/indirect": (10, 700, 8),
    "transforms/synthetic_cars/prompt_count/indirect": (20, 1234.6, 15),
    "transforms/synthetic_cars/clip_size/indirect": ("-", "NA", "NA"),
    "embeddings/synthetic_cars/tiny/prompts": (4, 900, 3),
    "embeddings/synthetic_cars/tiny/images": (6, 2500, 9),
    "transforms/elsewhere/main/tiny/ae": (1000, 9999, 1000),
    "collections/synthetic_cars/shards/a": (1000, 9999, 1000),
}


def write_benchmarks(folder):
    """Write :data:`BENCHMARKS` below ``folder``.

    The last are of a dataset that is not shown, and of a collection that is called as one is.
    """
    for name, (seconds, memory, cpu) in BENCHMARKS.items():
        path = folder / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\tcpu_time\n{seconds}\t-\t{memory}\t{cpu}\n")


def make_report(folder, parts=PARTS, **changes):
    """Write the files of a run below ``folder`` and a report on them, and return its path.

    ``changes`` are of the ``Results`` in place of those of the complete report.
    """
    results = folder / "results"
    main = results / "metrics" / "main.parquet"
    write_runs(main, pd.concat([runs(notion) for notion in NOTIONS]))
    others = [
        *(runs("car_color", dim=dim) for dim in range(5, 25)),
        runs("car_color", model="other"),
        runs("car_color", n_prompts=2),
    ]
    complete = results / "metrics.parquet"
    rows = pd.concat([pd.read_parquet(main), *others])
    write_runs(complete, rows[~rows.duplicated(list(RUN))])  # CLIP's have no other dim

    rows = pd.DataFrame({"prompt": ["a red car", "a $5 car", EVIL], "aspect": ["red", "$5", EVIL]})
    prompts = {}
    for i, notion in enumerate(NOTIONS):
        prompts["synthetic_cars", notion] = path = results / f"prompts{i}.parquet"
        write_embeddings(path, rows, np.ones((3, 8), np.float32), {})
    ids = pd.DataFrame({"image_id": list("abcdef")})
    images = results / "images.parquet"
    facts = {"weights_sha256": "12ab", "device": "cpu", "architecture": ARCHITECTURE}
    write_embeddings(images, ids, np.ones((6, 8), np.float32), facts)
    labels = ["red", "blue", "red", "blue", "red", None]
    manifest = results / "manifest.parquet"
    ids.assign(**dict.fromkeys(NOTIONS, labels)).to_parquet(manifest)

    tables = results / "tables"
    notions = [
        Notion(*key, "a {aspect}", key[1], manifest, prompts_file)
        for key, prompts_file in prompts.items()
    ]
    write_overview(notions, tables)
    write_tables([main], tables)
    published = pd.read_parquet(main)
    published = published[published["notion"] == "car_color"]
    published.loc[published["method"] != "clip", "dim"] = 128
    published.to_parquet(results / "published.parquet")
    write_comparison([results / "published.parquet"], tables)
    (tables / "saliency.csv").write_text(
        "dataset,notion,difference,low,high,indirect,clip,area,unit,n_images\n"
        "synthetic_cars,car_color,51.234,48.1,,27.9,27,20,percent,6\n"
    )
    (tables / "classes.csv").write_text(to_csv(classes()))
    write_significance(significance(), [tables / "significance.csv", tables / "significance.md"])

    figures = {}
    for name in ("dimensions", "gallery", "saliency", "critical_difference", "own_figure"):
        figures[name] = results / "figures" / f"{name}.png"
        write_figure(new_figure(2, 1), [figures[name], figures[name].with_suffix(".pdf")])
    write_benchmarks(results / "benchmarks")

    notions = {notion: {"template": "a {aspect}", "scored": True} for notion in NOTIONS}
    arguments = {
        "folder": results,
        "runs": [complete],
        "main": [main],
        "paper": [main],
        "tables": sorted(tables.iterdir()),
        "figures": figures,
        "words": {
            name: Words(f"Title of {name}", f"Seen: {name}, {EVIL}", f"A caption & {EVIL}", "")
            for name in figures
        },
        "prompts": prompts,
        "images": {("synthetic_cars", "tiny"): images},
        "transforms": [],
        "config": {
            "datasets": {"synthetic_cars": {"root": EVIL, "notions": notions}},
            "models": {"tiny": {"architecture": EVIL}},
            "experiments": {"main": {"models": ["tiny"]}},
            "methods": list(METHODS),
            "dims": [4],
            "seeds": list(SEEDS),
            "protocol": "paper",
        },
        "benchmarks": results / "benchmarks",
    }
    output = results / "report.html"
    write_report(output, Results(**arguments | changes), parts)
    return output
