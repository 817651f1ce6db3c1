"""The names on paper of what files and columns call by short names, and words in one line."""

import re
from collections.abc import Sequence
from typing import Literal
from unicodedata import combining, normalize

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
    "soft_subspace": "Soft subspace",
    "contrast_subspace": "Contrast subspace",
    "null_space": "Null space",
    "ignore": "Ignore",
    "crl": "CRL",
    "sqrt_posterior": "Posterior (root)",
    "text_lda": "Text LDA",
    "splice": "SpLiCE",
    "lda": "LDA",
    "class_means": "Class means",
    "few_shot_posterior": "Few-shot posterior",
}
METRIC_NAMES = {
    "map_at_r": "MAP@R",
    "precision_at_1": "Prec@1",
    "r_precision": "R-Prec",
    "ami": "AMI",
    "nmi": "NMI",
    "map": "MAP",
    "mrr": "MRR",
    "recall_at_1": "Recall@1",
    "recall_at_5": "Recall@5",
    "recall_at_10": "Recall@10",
    "recall_at_20": "Recall@20",
    "clustering_accuracy": "ACC",
    "ari": "ARI",
    "homogeneity": "Homogeneity",
    "silhouette": "Silhouette",
}
PROTOCOL_NAMES = {
    "paper": "paper protocol",
    "released": "released protocol",
    "query_gallery": "query and gallery",
}
DATASET_NAMES = {
    "demo_cars": "Demo Cars",
    "synthetic_cars": "Synthetic Cars",
    "cars196": "Cars196",
    "cub200": "CUB200",
    "deepfashion": "DeepFashion",
    "movie_posters": "Movie Posters",
    "stanford40": "Stanford 40",
    "clevr4": "Clevr-4",
    "fgvc_aircraft": "FGVC-Aircraft",
    "oxford_pets": "Oxford-IIIT Pet",
    "flowers102": "Flowers102",
    "food101": "Food-101",
    "dtd": "DTD",
    "cifar100": "CIFAR-100",
}
NOTION_NAMES = {
    "car_model": "Car Model",
    "car_color": "Car Color",
    "background_color": "Background Color",
    "any_color": "Any Color",
    "car_model_and_color": "Car Model and Color",
    "manufacturer": "Manufacturer",
    "car_type": "Car Type",
    "bird_species": "Bird Species",
    "clothing_category": "Clothing Category",
    "texture": "Texture",
    "fabric": "Fabric",
    "fit": "Fit",
    "genre": "Genre",
    "genres": "Genres",
    "production_country": "Production Country",
    "action": "Action",
    "location": "Location",
    "mood": "Mood",
    "primary_color": "Primary Color",
    "upperparts_color": "Upperparts Color",
    "underparts_color": "Underparts Color",
    "crown_color": "Crown Color",
    "bill_shape": "Bill Shape",
    "size": "Size",
    "wing_pattern": "Wing Pattern",
    "shape": "Shape",
    "color": "Color",
    "count": "Count",
    "variant": "Variant",
    "family": "Family",
    "breed": "Breed",
    "species": "Species",
    "cat_breed": "Cat Breed",
    "dog_breed": "Dog Breed",
    "flower": "Flower",
    "food": "Food",
    "fine": "Fine Class",
    "coarse": "Coarse Class",
}


_SHORT = 250  # letters that take no time, whatever they are
_MARKS = 30  # on a letter, as Unicode's Stream-Safe Text Format has it
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029"
# What turns the direction of letters, and what has no width. Not U+200C and U+200D, which join
# letters or keep them apart: Persian, scripts of India and emoji are written with them.
_UNSEEN = (
    "\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_HALVES = "\ud800-\udfff"  # of characters, which no file can hold
_BREAKS = re.compile(f"[{_CONTROLS}]+")
_HIDDEN = re.compile(f"[{_UNSEEN}{_HALVES}]")
_NO_LETTERS = re.compile(f"[{_CONTROLS}{_UNSEEN}{_HALVES}]")


def one_line(text: str) -> str:
    """Somebody's own text as it is printed: in one line, and in the order of its letters.

    A label, an aspect or a reason may hold line breaks, tabs and other control characters, for
    which there is a blank, and signs that hide or turn letters, for which there is nothing.
    """
    return _BREAKS.sub(" ", _HIDDEN.sub("", text))


def spelled_out(text: str) -> str:
    r"""A text in one line with an escape, such as ``\x1b``, for what :func:`one_line` takes away.

    For terminals and logs: there a name is to be found again from what is said of it.
    """
    return _NO_LETTERS.sub(lambda sign: sign[0].encode("unicode_escape").decode(), text)


def normalized(text: str, form: Literal["NFC", "NFD"] = "NFC") -> str:
    """A text with its accents written in one way; one that is no text in any language as it is.

    The time that it takes to put marks on one letter in order grows with the square of how many
    there are.
    """
    if len(text) > _SHORT and not text.isascii():
        in_a_row = 0
        for letter in text:
            in_a_row = in_a_row + 1 if combining(letter) else 0
            if in_a_row > _MARKS:
                return text
    return normalize(form, text)


def shortened(text: str, most: int) -> str:
    """A text of so many characters at most; an ellipsis stands for what is cut off."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def on_paper(name: str, names: dict[str, str]) -> str:
    """A known name as it is printed, an unknown one (somebody's own) as it is, in one line."""
    return names.get(name) or one_line(name)


def notion_on_paper(dataset: str, notion: str) -> str:
    """A notion with its dataset, as they are printed in a sentence."""
    return f"{on_paper(dataset, DATASET_NAMES)} {on_paper(notion, NOTION_NAMES)}"


def in_a_row(parts: Sequence[str]) -> str:
    """Parts of a sentence: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
