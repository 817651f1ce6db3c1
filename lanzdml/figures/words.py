"""The words of a figure, for the page and for Snakemake's own report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """What is said of a figure.

    Attributes:
        title: its heading.
        seen: what can be seen, for those who cannot see it.
        caption: plain text.
        category: where it stands in Snakemake's own report.
    """

    title: str
    seen: str
    caption: str
    category: str
