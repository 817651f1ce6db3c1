# collections: what a method learned is applied to vectors of other images, a job a file of them

from lanzdml.config.collections import SHARD_NAME
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.plan.collections import apply_settings

SHARD_OF_COLLECTION = PATHS.applied("{collection}", "{shard}")
GATHERED_IDS = PATHS.gathered("{collection}", "ids.parquet")
GATHERED_VECTORS = PATHS.gathered("{collection}", "vectors.npy")
INDEX = PATHS.gathered("{collection}", "vectors.faiss")
COLLECTIONS = [
    path
    for name, settings in CONFIG.collections.items()
    for path in (GATHERED_IDS, GATHERED_VECTORS, *([INDEX] if settings.index else []))
    for path in [path.format(collection=name)]
]


rule apply_transform:
    input:
        transform=lambda wildcards: PATHS.transform(PLAN.applied[wildcards.collection]),
        vectors=lambda wildcards: GIVEN.shard_files(wildcards.collection, wildcards.shard),
    output:
        SHARD_OF_COLLECTION,
    log:
        log_of(SHARD_OF_COLLECTION),
    benchmark:
        benchmark_of(SHARD_OF_COLLECTION)
    wildcard_constraints:
        shard=SHARD_NAME,
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=more_each_time(4000),
        runtime=more_each_time(60),
    params:
        version=lambda wildcards: version_with(
            "apply_transform", PLAN.applied[wildcards.collection].method
        ),
        settings=lambda wildcards: apply_settings(
            CONFIG, wildcards.collection, PLAN.shown_protocol, PLAN.applied[wildcards.collection]
        ),
        contents=lambda wildcards: GIVEN.shard_contents(wildcards.collection, wildcards.shard),
    message:
        "Transforming {wildcards.shard} of {wildcards.collection}"
    script:
        "../workflow_scripts/apply_transform.py"


rule gather_collection:
    input:
        lambda wildcards: [
            PATHS.applied(wildcards.collection, shard)
            for shard in GIVEN.shards(wildcards.collection)
        ],
    output:
        ids=GATHERED_IDS,
        vectors=GATHERED_VECTORS,
    log:
        log_of(GATHERED_VECTORS),
    benchmark:
        benchmark_of(GATHERED_VECTORS)
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=more_each_time(4000),
        runtime=more_each_time(60),
    params:
        version=version_of("gather_collection"),
    message:
        "Gathering the vectors of {wildcards.collection}"
    script:
        "../workflow_scripts/gather_collection.py"


rule index_collection:
    input:
        GATHERED_VECTORS,
    output:
        INDEX,
    log:
        log_of(INDEX),
    benchmark:
        benchmark_of(INDEX)
    conda:
        "../envs/index.yaml"
    threads: 1
    resources:
        # The index is in memory as a whole.
        mem_mb=lambda wildcards, input, attempt: attempt * (2000 + int(input.size_mb)),
        runtime=more_each_time(60),
    params:
        version=version_of("index_collection"),
        distance=PROTOCOLS[PLAN.shown_protocol].distance,
    message:
        "Indexing the vectors of {wildcards.collection}"
    script:
        "../workflow_scripts/index_collection.py"
