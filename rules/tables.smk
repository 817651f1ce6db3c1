# tables: the paper's three tables, one of all methods, one of classes, and our values beside published ones

from lanzdml.tables.beyond import NAME as BEYOND
from lanzdml.tables.classes import NAME as CLASSES
from lanzdml.tables.overview import PAPER_COUNTS
from lanzdml.tables.paper import SUFFIXES, TABLES as PAPER_TABLES
from lanzdml.files import sample_of
from lanzdml.tables.published import NAME as COMPARISON
from lanzdml.tables.published_values import published_files, read_published

OVERVIEW_FILES = [PATHS.table("table1", suffix) for suffix in SUFFIXES]
PAPER_FILES = [PATHS.table(table, suffix) for table in PAPER_TABLES for suffix in SUFFIXES]
BEYOND_FILES = [PATHS.table(BEYOND, suffix) for suffix in SUFFIXES]
CLASSES_FILES = [PATHS.table(CLASSES, suffix) for suffix in ("csv", "md")]
COMPARISON_FILES = [PATHS.table(COMPARISON, suffix) for suffix in ("csv", "md")]
SALIENCY_FILES = [PATHS.table("saliency", suffix) for suffix in ("md", "csv")]
# Values that papers print, and the runs of datasets with notions that these are of.
PUBLISHED_FILES = published_files(CONFIG.published)
PUBLISHED = {
    *read_published(PUBLISHED_FILES)[["dataset", "notion"]].itertuples(index=False, name=None)
}
PUBLISHED_DATASETS = {
    run.fit.dataset for run in PLAN.main_runs if (run.fit.dataset, run.fit.notion) in PUBLISHED
}
COMPARED = [PATHS.metrics(run) for run in PLAN.main_runs if run.fit.dataset in PUBLISHED_DATASETS]


# Of scores where there are any, and compared where there are published ones.
ALL_TABLES = [*OVERVIEW_FILES]
if PAPER_METRICS:
    ALL_TABLES += PAPER_FILES
if COMPARED:
    ALL_TABLES += COMPARISON_FILES
if MAIN_METRICS:
    ALL_TABLES += SIGNIFICANCE_FILES + CLASSES_FILES
if len(MAIN_METRICS) > len(PAPER_METRICS):
    ALL_TABLES += BEYOND_FILES
ALL_TABLES += MEASURED_FILES
if "saliency" in PLAN.pictures:
    ALL_TABLES += SALIENCY_FILES


rule make_tables:
    input:
        PAPER_METRICS,
    output:
        PAPER_FILES,
    log:
        PATHS.at("logs/tables.log"),
    priority: TABLES
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=more_each_time(1000),
        runtime=more_each_time(10),
    params:
        version=version_of("make_tables"),
    message:
        "Rendering the tables"
    script:
        "../workflow_scripts/make_tables.py"


rule make_overview:
    input:
        manifests=[PATHS.manifest(dataset) for dataset, _ in PLAN.notions],
        # Prompts are the same for every model.
        prompts=[
            PATHS.prompts(dataset, CONFIG.main_models[0], notion)
            for dataset, notion in PLAN.notions
        ],
    output:
        OVERVIEW_FILES,
    log:
        PATHS.at("logs/overview.log"),
    priority: TABLES
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=more_each_time(1000),
        runtime=more_each_time(10),
    params:
        version=version_of("make_overview", PAPER_COUNTS, COUNTS_FILE),
        notions=PLAN.overview,
    message:
        "Rendering the table of datasets and notions"
    script:
        "../workflow_scripts/make_overview.py"


rule make_beyond:
    input:
        runs=MAIN_METRICS,
        overview=PATHS.table("table1", "csv"),
    output:
        BEYOND_FILES,
    log:
        PATHS.at("logs/beyond.log"),
    priority: TABLES
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=more_each_time(1000),
        runtime=more_each_time(10),
    params:
        version=version_told("make_beyond"),
    message:
        "Rendering the table of all methods"
    script:
        "../workflow_scripts/make_beyond.py"


rule make_classes:
    input:
        runs=MAIN_METRICS,
        queries=[PATHS.queries(run) for run in PLAN.main_runs],
        manifests=[PATHS.manifest(queries) for _, _, _, queries, _ in PLAN.scored_labels],
    output:
        CLASSES_FILES,
    log:
        PATHS.at("logs/classes.log"),
    priority: TABLES
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=more_each_time(1000),
        runtime=more_each_time(10),
    params:
        version=version_told("make_classes"),
        labels=PLAN.scored_labels,
    message:
        "Rendering the table of classes"
    script:
        "../workflow_scripts/make_classes.py"


rule compare_published:
    input:
        COMPARED,
    output:
        COMPARISON_FILES,
    log:
        PATHS.at("logs/published_comparison.log"),
    priority: TABLES
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=more_each_time(1000),
        runtime=more_each_time(10),
    params:
        version=version_told("compare_published"),
        # What they hold, wherever they lie.
        published=list(map(sample_of, PUBLISHED_FILES)),
        given=unrecorded(CONFIG.published),
    message:
        "Comparing with the published values"
    script:
        "../workflow_scripts/compare_published.py"
