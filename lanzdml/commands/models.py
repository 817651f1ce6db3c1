"""``lanzdml models``: what open_clip has, and which of its weights are here."""

import pandas as pd

from lanzdml.embeddings.loading import untrained_sizes
from lanzdml.embeddings.models import open_clip_models, read_local_architecture
from lanzdml.embeddings.other_packages import import_open_clip
from lanzdml.embeddings.published import is_cached
from lanzdml.errors import LanzdmlError

COLUMNS = ("architecture", "pretrained", "image_size", "embed_dim", "tokenizer", "cached")
PARAMETERS = "parameters_millions"
CLIPS_OWN = "CLIP"  # comes with open_clip; others are of the hub


def models(word: str = "", *, cached: bool = False, parameters: bool = False) -> pd.DataFrame:
    """Open_clip's architectures and their published weights, a row each (:data:`COLUMNS`).

    Nothing is fetched. An architecture without published weights has one row, ``pretrained`` empty.

    Args:
        word: that the architecture or the weights' tag must hold, in any case.
        cached: only weights that are in the hub's cache with all that their model needs.
        parameters: count them in millions, in up to a second an architecture; where a text model
            is the hub's they are not known here.

    Raises:
        LanzdmlError: open_clip is not installed, or nothing of it holds the word.
    """
    import_open_clip()
    import open_clip

    names = open_clip_models()
    rows = []
    for name in filter(names.__contains__, open_clip.list_models()):
        config = read_local_architecture(name)
        for tag in open_clip.list_pretrained_tags_by_model(name) or [""]:
            if word.lower() not in f"{name} {tag}".lower():
                continue
            tokenizer = config["text_cfg"].get("hf_tokenizer_name") or CLIPS_OWN
            is_here = bool(tag) and is_cached(name, tag, config["text_cfg"])
            size = config["vision_cfg"].get("image_size")
            rows.append((name, tag, size, config["embed_dim"], tokenizer, is_here))
    if not rows:
        raise LanzdmlError(f"open_clip has no model with {word!r} in its name or tag")
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    if cached:
        table = table[table["cached"]].reset_index(drop=True)
    if parameters:
        counts = {name: _millions(name) for name in table["architecture"].unique()}
        table[PARAMETERS] = table["architecture"].map(counts).astype("Int64")
    return table


def _millions(name: str) -> int | None:
    if read_local_architecture(name)["text_cfg"].get("hf_model_name"):
        return None
    return round(sum(untrained_sizes(name).values()) / 1e6)
