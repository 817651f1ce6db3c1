"""The TriMap: its section of the configuration, and its words."""

from typing import ClassVar

from lanzdml.figures.picture import Picture
from lanzdml.figures.words import Words


class TrimapFigure(Picture):
    """TriMap of CLIP's and InDiReCT's embeddings, for each notion."""

    words: ClassVar[Words] = Words(
        title="Map of the embeddings",
        seen="Scatter plots of the images in two dimensions, coloured by class: for each notion "
        "CLIP's embeddings beside InDiReCT's.",
        caption="The images' embeddings in two dimensions (TriMap), coloured by class: raw CLIP's "
        "beside InDiReCT's for each notion. The method never saw a label; colours are for the "
        "reader. Distances on the page mean little, groups of neighbours do. Compare appendix "
        "figure 2 of the paper.",
        category="Pictures",
    )
