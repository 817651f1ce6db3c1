"""The page itself: its data, its pictures, and the scripts that show them, in one file.

Data is JSON in a script element and reaches the page as text; the page's policy lets no other
script run than ours, and loads nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from lanzdml.errors import LanzdmlError
from lanzdml.explorer import FOLDER, SCRIPTS, STYLES, TEMPLATE
from lanzdml.explorer.collect import collect
from lanzdml.explorer.data import as_data
from lanzdml.explorer.maps import ITERATIONS
from lanzdml.explorer.sample import can_ask, draw, shares
from lanzdml.explorer.task import DatasetTask
from lanzdml.explorer.thumbnails import Thumbnails, fill
from lanzdml.files import write_text
from lanzdml.metrics.protocols import PROTOCOLS
from lanzdml.names import PROTOCOL_NAMES, on_paper
from lanzdml.report.page import policy
from lanzdml.report.run_table import as_script_text
from lanzdml.report.templates import render

MOST_BYTES = 20_000_000  # of the page
_DISTANCES = {"cosine": "cosine similarity", "euclidean": "Euclidean distance"}


def write_explorer(
    output: Path, tasks: Sequence[DatasetTask], *, model: str, protocol: str, seed: int, images: int
) -> None:
    """Write the page.

    Args:
        output: the page.
        tasks: what it shows.
        model: whose runs these are.
        protocol: that they are of.
        seed: of the sample, where there are more images, and of maps.
        images: how many can be looked at, of all datasets.

    Raises:
        LanzdmlError: results are missing, cannot be read or do not belong together, or there is
            more to show than a page may hold.
    """
    asking = [can_ask(task) for task in tasks]
    data, thumbnails = [], []
    for task, rows, n in zip(tasks, asking, shares([*map(len, asking)], images), strict=True):
        dataset = collect(task, draw(rows, n, seed), PROTOCOLS[protocol], seed)
        data.append(as_data(dataset, len(rows)))
        sources = [Thumbnails(source) for source in (task.source, task.others) if source]
        thumbnails.append([
            (sources[other], row)
            for other, row in zip(dataset.is_other.tolist(), dataset.rows.tolist(), strict=True)
        ])  # fmt: skip
    scripts = ['"use strict";', *(path.read_text(encoding="utf-8") for path in SCRIPTS)]
    code = "(() => {\n" + "\n".join(scripts) + "\n})();"
    style = "\n".join(path.read_text(encoding="utf-8") for path in STYLES)
    facts = {
        "model": model,
        "protocol": on_paper(protocol, PROTOCOL_NAMES),
        "split": PROTOCOLS[protocol].split,
        "distance": _DISTANCES[PROTOCOLS[protocol].distance],
        "iterations": ITERATIONS,
    }

    def page() -> str:
        return render(
            TEMPLATE.name,
            folder=FOLDER,
            now=datetime.now(UTC),
            facts=facts,
            data=as_script_text({"datasets": data, "split": facts["split"]}),
            code=Markup(code),
            style=Markup(style),
            policy=policy(style, [code]),
        )

    room = MOST_BYTES - len(page().encode()) - 1_000
    if room < 0:
        raise LanzdmlError(
            f"explorer: there are {(MOST_BYTES - room) / 1e6:.0f} MB to show without pictures, and "
            f"a page holds {MOST_BYTES / 1e6:.0f}: lower explorer.images, or name fewer notions or "
            "methods"
        )
    # The images that can be looked at first, of all datasets.
    order = sorted(
        (
            (number >= dataset["n_queries"], position, number)
            for position, dataset in enumerate(data)
            for number in range(len(dataset["ids"]))
        ),
        key=lambda key: key[0],
    )
    pictures = fill([thumbnails[position][number] for _, position, number in order], room)
    for (_, position, number), picture in zip(order, pictures, strict=True):
        data[position]["thumbnails"][number] = picture
    write_text(output, page())
