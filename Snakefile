# The InDiReCT benchmark: embeddings -> transforms -> metrics -> tables, figures, report.
#
# Path grammar, one folder a stage below results/, or what the config names instead; every wildcard is a
# name from the config:
#   datasets/{dataset}/download.json                                where download is on
#   datasets/{dataset}/manifest.parquet
#   embeddings/{dataset}/{model}/images.parquet
#   embeddings/{dataset}/{model}/shards/{shard}-of-{shards}.parquet   until images.parquet is there
#   embeddings/{dataset}/{model}/prompts/{notion}.parquet, .../{notion}/wordings/{wording}.parquet
#   vectors/{dataset}/{notion}/{method}/seed-{seed}.parquet         finished vectors of others
#   transforms/{dataset}/{model}/{notion}/{method}/dim-{dim}/seed-{seed}.safetensors
#   metrics/{protocol}/{dataset}/{model}/{notion}/{method}/dim-{dim}/seed-{seed}.parquet
#   queries/{protocol}/.../seed-{seed}.parquet                      one row a query; of the tables' runs only
#   clusterings/{protocol}/.../seed-{seed}.parquet                  one row a pair of seeds
#   draws/{protocol}/.../seed-{seed}.parquet                        one row a draw
#   shards/{protocol}/.../seed-{seed}/{shard}-of-{shards}.safetensors, .../clusters.json    of large datasets
#   {transforms,metrics}/.../dim-{dim}/prompts-{n_prompts}/seed-{seed}...     of some prompts only
#   kept/                                                           second links to the above, by what is in them;
#                                                                   tables.json: what is known of tables of the user's
#   metrics.parquet                                                 all rows
#   record.json                                                     which configuration and which code made them
#   experiments/{experiment}/{protocol}/.../dim-{dim}.parquet       what else is measured of a method on a notion
#   collections/{collection}/shards/{shard}.parquet                 vectors of other images, a file as theirs
#   collections/{collection}/{ids.parquet,vectors.npy,vectors.faiss}
#   trimap/{dataset}/{model}.parquet
#   saliency/{dataset}/{model}/{maps.safetensors,shares.parquet}
#   tables/{table}.{md,csv,tex}
#   figures/{figure}.{pdf,png,rst}
#   estimate.json                                                   what jobs are to take, written before they run
#   report.html
#   explorer.html
# dim is "full" for a method that keeps the model's own size and "auto" where the prompts say it; "every-seed"
# stands in place of "seed-{seed}" for one that is the same for each. lanzdml/plan/paths.py makes these paths. Each job
# logs to results/logs/ and longer ones write their time and memory to results/benchmarks/, under the path of their
# output.

import os
import re
import shlex
import sys

from snakemake.common import __version__

sys.path.insert(0, workflow.basedir)

from lanzdml.config.file import parse_given, read_values
from lanzdml.config.place import check_links
from lanzdml.errors import LanzdmlError, plain_errors, show_tracebacks

with plain_errors():
    # Older ones lack what the rules use; a later one may have other private attributes of `workflow`,
    # of which some are used here and in rules/common.smk.
    if not (9, 19) <= tuple(map(int, re.findall(r"\d+", __version__)[:2])) < (10,):
        raise LanzdmlError(
            f"Snakemake {__version__} is not supported: install 9.19 or a later 9, as by "
            "`pip install 'snakemake>=9.19,<10'`"
        )
    if set(workflow.basedir) & set("{}"):
        raise LanzdmlError(
            f"{workflow.basedir} has braces in its name, which Snakemake takes for a pattern: rename it"
        )

if workflow.output_settings.verbose:
    show_tracebacks()

# A job's script is copied to .snakemake/scripts, where Python would look for modules first: one that
# somebody left there would be taken for the standard library's or for job.py.
os.environ |= {"PYTHONSAFEPATH": "1"}

# Snakemake puts the interpreter into a job's command as it is, and the shell takes that apart at blanks.
if os.path.exists(sys.executable):
    sys.executable = shlex.quote(sys.executable)

# With --configfile the given file is the whole configuration, not a patch of the default.
FILES = workflow.overwrite_configfiles or ["config.yaml"]
with plain_errors():
    OVERRIDES = parse_given(workflow.config_settings.config_args)
    VALUES = read_values(FILES, OVERRIDES)


# So that Snakemake knows of the file; nothing here reads its `config`.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "rules/printed.smk"
include: "rules/common.smk"
include: "rules/datasets.smk"
include: "rules/embeddings.smk"
include: "rules/transforms.smk"
include: "rules/metrics.smk"
include: "rules/collections.smk"
include: "rules/significance.smk"
include: "rules/experiments.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/explorer.smk"
include: "rules/report.smk"
include: "rules/sharing.smk"


onstart:
    with plain_errors():
        for path in map(str, (os.getcwd(), workflow.main_snakefile, *FILES)):
            # Where jobs are submitted a shell sees these in double quotes.
            if not workflow.local_exec and set(path) & set("'\"`$\\\n"):
                raise LanzdmlError(
                    f"{path}: jobs elsewhere cannot be told paths with quotes, $, \\ or line breaks; "
                    "rename it"
                )
        check_links(CONFIG.results)
        record_owner(Path(CONFIG.results), FILES, OVERRIDES)
        write_down(SUMMARIES)
        # Imported here only, as no job needs it.
        from lanzdml.estimate.estimate import estimate
        from lanzdml.estimate.written import write_estimate

        try:
            write_estimate(estimate(PLAN))
        except LanzdmlError as error:  # no result depends on it
            print(f"There is no estimate of this run: {error}")
    # Snakemake 9.27 limits jobs to 100 a second. For that it wakes its scheduler once a second for every
    # job that ever finished, and looks at the inputs of all jobs that could run: in a run of hundreds that
    # takes a core from the jobs. What runs here needs no limit.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


onsuccess:
    # What no result is made of any more.
    Kept(PATHS.kept).forget()


onerror:
    print(
        "Not complete: each failed job says why in a line that begins with 'Error:', above and in its "
        f"log below {PATHS.at('logs')}. What depends on it is that of an earlier run, if any."
    )


rule all:
    default_target: True
    input:
        REPORT,
        rules.make_report.input,
        rules.record_run.output if PLAN.main_runs else [],
        EXPLORER,
        [PATHS.figure(name, "pdf") for name in PLAN.figures],
        # Also of notions that are not scored.
        [PATHS.prompts(*key) for key in PLAN.prompts],
        [PATHS.transform(fit) for fit in PLAN.fits],
        COLLECTIONS,
    localrule: True
