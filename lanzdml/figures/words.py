"""What figures are called, show and say."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """A figure in words.

    Attributes:
        title: its heading on the page.
        seen: what can be seen, for those who cannot.
        caption: what it shows, and how to read it; plain text.
        category: where it stands in Snakemake's own report.
    """

    title: str
    seen: str
    caption: str
    category: str
