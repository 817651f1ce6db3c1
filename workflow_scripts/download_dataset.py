"""Download a dataset's archive where the collection is not there, and record what is there."""

import json
from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets import DATASETS
    from lanzdml.datasets.download import checksum_of, download
    from lanzdml.datasets.raw import locate
    from lanzdml.files import write_text

    name, root = snakemake.wildcards.dataset, Path(snakemake.params.root)
    linked = snakemake.params.linked
    source = DATASETS[name].download
    assert source is not None, "the configuration lets no other be downloaded"
    record: dict[str, str | int]
    if folder := locate(root, source.holds):
        record = {"folder": str(folder)}
        print(f"{name}: nothing to download, {folder} holds {source.holds}")
    else:
        file = download(name, source, root, linked)
        checksum, size = checksum_of(name, source, root, linked), file.stat().st_size
        record = {"url": source.url, "file": str(file), checksum.kind: checksum.digits}
        if source.sums:
            record |= {"sums": str(root / source.sums), "sums_url": source.sums_url}
        record["bytes"] = size
        print(f"{name}: {file} is complete, {size:,} bytes")
    write_text(snakemake.output[0], json.dumps(record, indent=2) + "\n")


run_as_script(main, globals())
