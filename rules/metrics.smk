# metrics: transform the images and score the result; then all rows in one file

with plain_errors():
    SCORES = score_jobs(PLAN, partial(version_with, "compute_metrics"))

for job in SCORES:

    rule:
        name:
            rule_name("score", job.name)
        input:
            job.inputs,
        output:
            [path for task in job.tasks for path in task.outputs],
        log:
            PATHS.at(f"logs/metrics/{job.path}.log"),
        benchmark:
            PATHS.at(f"benchmarks/metrics/{job.path}.tsv")
        priority: priority_of(job)
        conda:
            "../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=more_each_time(memory_mb(PLAN, job.tasks[0])),
            runtime=more_each_time(240),
        params:
            tasks_digest=digest(job.parameters),
            tasks=unrecorded(job.parameters),
            kept=PATHS.kept,
        message:
            f"Scoring {as_message(job.title)}"
        script:
            "../workflow_scripts/compute_metrics.py"


# Of a dataset that is large several jobs rank a run's queries, and one more clusters; the job above then
# puts together what these give. The parts stay: they are small, and one is not made anew for the other.

CLUSTERS = PATHS.clusters("{protocol}/{dataset}/{run}")  # of a run, whose tasks go by it
SHARDED = {task.clusters: task for job in SCORES for task in job.tasks if task.clusters}
RANKINGS = {
    path: ranking_of(task, partial(version_with, "rank_shard")) for path, task in SHARDED.items()
}
CLUSTERINGS = {
    path: clustering_of(task, partial(version_with, "cluster_run"))
    for path, task in SHARDED.items()
}

if SHARDED:

    rule rank_shard:
        input:
            lambda wildcards: RANKINGS[CLUSTERS.format(**wildcards)].inputs,
        output:
            PATHS.ranked_shard("{protocol}/{dataset}/{run}", "{shard}", "{shards}"),
        log:
            PATHS.at("logs/metrics/{dataset}/shards/{protocol}/{run}/{shard}-of-{shards}.log"),
        benchmark:
            PATHS.at("benchmarks/metrics/{dataset}/shards/{protocol}/{run}/{shard}-of-{shards}.tsv")
        wildcard_constraints:
            shard=r"\d+",
            shards=r"\d+",
        priority: TABLES
        conda:
            "../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: attempt
            * memory_mb(PLAN, SHARDED[CLUSTERS.format(**wildcards)]),
            runtime=more_each_time(120),
        params:
            tasks_digest=lambda wildcards: digest(
                parameters_of(RANKINGS[CLUSTERS.format(**wildcards)])
            ),
            # Not recorded, as it has `input`; see unrecorded.
            tasks=lambda wildcards, input: [parameters_of(RANKINGS[CLUSTERS.format(**wildcards)])],
            kept=PATHS.kept,
        message:
            "Ranking shard {wildcards.shard} of {wildcards.shards} of the queries of "
            "{wildcards.dataset} for {wildcards.run} ({wildcards.protocol})"
        script:
            "../workflow_scripts/rank_shard.py"

    rule cluster_run:
        input:
            lambda wildcards: CLUSTERINGS[CLUSTERS.format(**wildcards)].inputs,
            lambda wildcards: CLUSTERINGS[CLUSTERS.format(**wildcards)].siblings,
        output:
            CLUSTERS,
        log:
            PATHS.at("logs/metrics/{dataset}/clusters/{protocol}/{run}.log"),
        benchmark:
            PATHS.at("benchmarks/metrics/{dataset}/clusters/{protocol}/{run}.tsv")
        priority: TABLES + FIRST
        conda:
            "../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: attempt
            * memory_mb(PLAN, SHARDED[CLUSTERS.format(**wildcards)]),
            runtime=more_each_time(960),
        params:
            tasks_digest=lambda wildcards: digest(
                parameters_of(CLUSTERINGS[CLUSTERS.format(**wildcards)])
            ),
            # Not recorded, as it has `input`; see unrecorded.
            tasks=lambda wildcards, input: [
                parameters_of(CLUSTERINGS[CLUSTERS.format(**wildcards)])
            ],
            kept=PATHS.kept,
        message:
            "Clustering the images of {wildcards.dataset} for {wildcards.run} ({wildcards.protocol})"
        script:
            "../workflow_scripts/cluster_run.py"


rule collect_metrics:
    input:
        [PATHS.metrics(run) for run in PLAN.runs],
    output:
        PATHS.at("metrics.parquet"),
    log:
        PATHS.at("logs/metrics.log"),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=more_each_time(2000),
        runtime=more_each_time(10),
    params:
        version=version_of("collect_metrics"),
    message:
        "Collecting the metrics of all runs"
    script:
        "../workflow_scripts/collect_metrics.py"
