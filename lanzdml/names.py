"""The names on paper of what files and columns call by short names, and words in one line."""

import re

METHOD_NAMES = {
    "random": "Random",
    "clip": "CLIP",
    "indirect": "InDiReCT",
    "random_transform": "Rand. trans.",
    "pca": "PCA",
    "lae": "LAE",
    "ae": "AE",
    "oracle": "Oracle",
    "text_subspace": "Text subspace",
    "pca_rank": "PCA (rank)",
    "indirect_svd": "InDiReCT (SVD)",
    "prompt_posterior": "Prompt posterior",
    "clay": "CLAY",
}
METRIC_NAMES = {
    "map_at_r": "MAP@R",
    "precision_at_1": "Prec@1",
    "r_precision": "R-Prec",
    "ami": "AMI",
    "nmi": "NMI",
    "map": "MAP",
    "mrr": "MRR",
}
DATASET_NAMES = {
    "demo_cars": "Demo Cars",
    "synthetic_cars": "Synthetic Cars",
    "cars196": "Cars196",
    "cub200": "CUB200",
    "deepfashion": "DeepFashion",
    "movie_posters": "Movie Posters",
}
NOTION_NAMES = {
    "car_model": "Car Model",
    "car_color": "Car Color",
    "background_color": "Background Color",
    "car_model_and_color": "Car Model and Color",
    "manufacturer": "Manufacturer",
    "car_type": "Car Type",
    "bird_species": "Bird Species",
    "clothing_category": "Clothing Category",
    "texture": "Texture",
    "fabric": "Fabric",
    "fit": "Fit",
    "genre": "Genre",
    "production_country": "Production Country",
}


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """Somebody's own text with a blank in place of line breaks, tabs and other control characters.

    A label, an aspect or a path may hold them, and a row, a note or an error is to stay one line.
    """
    return _CONTROLS.sub(" ", text)


def on_paper(name: str, names: dict[str, str]) -> str:
    """A known name as it is printed, an unknown one (somebody's own) as it is, in one line."""
    return names.get(name) or one_line(name)


def notion_on_paper(dataset: str, notion: str) -> str:
    """A notion with its dataset, as they are printed in a sentence."""
    return f"{on_paper(dataset, DATASET_NAMES)} {on_paper(notion, NOTION_NAMES)}"
