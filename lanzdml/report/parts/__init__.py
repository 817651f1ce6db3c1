"""The parts of the page: a new one is a module in this folder, a template beside it and one line
here.

A part is a function that makes it of the results (:data:`lanzdml.report.part.MakePart`). A figure
that a part shows itself is named in the line of the others, which then leaves it out.
"""

from lanzdml.report.part import MakePart
from lanzdml.report.parts import (
    beyond,
    classes,
    cost,
    data,
    explained,
    figures,
    files,
    gallery,
    glance,
    provenance,
    published,
    results,
    runs,
    significance,
)

PARTS: tuple[MakePart, ...] = (
    glance.part,
    gallery.part,
    results.part,
    beyond.part,
    significance.part,
    classes.part,
    data.part,
    figures.all_but(gallery.FIGURE, significance.FIGURE),
    published.part,
    runs.part,
    provenance.part,
    cost.part,
    explained.part,
    files.part,
)
"""In the order of the page."""
