"""Download a dataset where the collection is not there, and record what is there."""

import json
from pathlib import Path

from job import Job, run_as_script


def main(snakemake: Job) -> None:
    from lanzdml.datasets import OwnDataset, find_dataset
    from lanzdml.files import write_text

    name, params = snakemake.wildcards.dataset, snakemake.params
    dataset = find_dataset(name, torchvision=params.torchvision)
    assert not isinstance(dataset, OwnDataset), "the configuration lets none of these be downloaded"
    record = dataset.fetch(name, Path(params.root), params.linked)
    write_text(snakemake.output[0], json.dumps(record, indent=2) + "\n")


run_as_script(main, globals())
