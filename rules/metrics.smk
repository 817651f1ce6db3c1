# metrics: transform the images and score the result; then all rows in one file

for job in score_jobs(PLAN, partial(version_with, "compute_metrics")):

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
            mem_mb=more_each_time(2000),
            runtime=more_each_time(240),
        params:
            tasks_digest=digest(job.parameters),
            tasks=unrecorded(job.parameters),
            kept=PATHS.kept,
        message:
            f"Scoring {as_message(job.title)}"
        script:
            "../workflow_scripts/compute_metrics.py"


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
