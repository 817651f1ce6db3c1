# explorer: a page on which one looks at images and what they find

from lanzdml.explorer import ASSETS as EXPLORER_ASSETS
from lanzdml.plan.explorer import explorer_tasks
from lanzdml.plan.versions import version_showing

EXPLORED = explorer_tasks(PLAN, GIVEN)
EXPLORER = [PATHS.at("explorer.html")] if EXPLORED else []


if EXPLORED:

    rule make_explorer:
        input:
            list(dict.fromkeys(path for task in EXPLORED for path in task.files)),
        output:
            EXPLORER,
        log:
            PATHS.at("logs/explorer.log"),
        benchmark:
            PATHS.at("benchmarks/explorer.tsv")
        priority: PICTURES
        conda:
            "../envs/figures.yaml"
        # One thread, as with the fits.
        threads: 1
        resources:
            mem_mb=more_each_time(4000),
            runtime=more_each_time(60),
        params:
            version=version_showing("make_explorer", CONFIG.explorer.methods, *EXPLORER_ASSETS),
            # Without the settings of the machine, which rerun nothing.
            explored_digest=digest(
                [
                    [
                        task.dataset,
                        task.source.root,
                        task.others and task.others.root,
                        task.notions,
                    ]
                    for task in EXPLORED
                ]
            ),
            explored=unrecorded([asdict(task) for task in EXPLORED]),
            shown={
                "model": CONFIG.explorer.model,
                "protocol": PLAN.shown_protocol,
                "seed": CONFIG.seeds[0],
                "images": CONFIG.explorer.images,
            },
        message:
            "Putting images and what they find on a page"
        script:
            "../workflow_scripts/make_explorer.py"
