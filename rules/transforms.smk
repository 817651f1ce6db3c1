# transforms: fit the methods; a job makes many fits, and writes one file a seed

# In one job: few, as threads of one process get into each other's way and other jobs fill the cores. A
# job that is sent to another machine has one unless --set-threads says more, here as there.
FITS_SIDE_BY_SIDE = (
    1 if workflow.remote_exec else max(1, (workflow.resource_settings.cores or 1) // 4)
)

for job in fit_jobs(PLAN, partial(version_with, "fit_transforms")):

    rule:
        name:
            rule_name("fit", job.name)
        input:
            job.inputs,
        output:
            [task.output for task in job.tasks],
        log:
            PATHS.at(f"logs/transforms/{job.path}.log"),
        benchmark:
            PATHS.at(f"benchmarks/transforms/{job.path}.tsv")
        priority: priority_of(job)
        conda:
            "../envs/analysis.yaml"
        # Cores are filled with jobs; a fit has one thread.
        threads: FITS_SIDE_BY_SIDE if job.cost else 1
        resources:
            mem_mb=more_each_time(2000),
            runtime=more_each_time(480),
        params:
            tasks_digest=digest(job.parameters),
            tasks=unrecorded(job.parameters),
            kept=PATHS.kept,
        message:
            f"Fitting {as_message(job.title)}"
        script:
            "../workflow_scripts/fit_transforms.py"
