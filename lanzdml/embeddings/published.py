"""What open_clip knows of the weights that it has tags for."""

from typing import Any

from lanzdml.embeddings.models import HUB_PREFIX
from lanzdml.errors import LanzdmlError, suggest

# Keys of what open_clip knows of a tag, and its options.
_PREPROCESSING = {
    "mean": "image_mean",
    "std": "image_std",
    "interpolation": "image_interpolation",
    "resize_mode": "image_resize_mode",
}
# What is fetched beside weights, of the repositories that a text_cfg names.
_NEEDED = {"hf_tokenizer_name": {"tokenizer_config.json"}, "hf_model_name": {"config.json"}}


def check_tag(name: str, tag: str, config: dict[str, Any]) -> None:
    """Check that open_clip has the weights, and that they were trained with this activation.

    Weights trained with QuickGELU give wrong embeddings with another activation, and the other way
    round; open_clip only warns.

    Raises:
        LanzdmlError: it has no such weights for this architecture, or they were trained otherwise.
    """
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    if tag not in tags:
        raise LanzdmlError(f"{name} has no weights {tag!r}; {suggest(tag, tags)}")
    weights = open_clip.get_pretrained_cfg(name, tag)
    trained = bool(weights.get("quick_gelu", False))
    built = bool(config.get("quick_gelu", False))
    if trained == built:
        return
    other = name.removesuffix("-quickgelu") if built else f"{name}-quickgelu"
    if other == name:
        # Only the model's own config can say which of the two is right.
        other = HUB_PREFIX + weights["hf_hub"].rpartition("/")[0]
    raise LanzdmlError(
        f"{name} and the weights {tag!r} differ in QuickGELU: the architecture for these weights "
        f"is {other}"
    )


def published_preprocessing(name: str) -> dict[str, Any]:
    """How an architecture of open_clip preprocesses, as far as all its published weights agree.

    A file of weights does not say it, and open_clip then does as for OpenAI's: SigLIP and
    MobileCLIP would give wrong embeddings.
    """
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    published = [open_clip.get_pretrained_cfg(name, tag) for tag in tags]
    return {
        option: published[0][key]
        for key, option in _PREPROCESSING.items()
        if published and all(one[key] == published[0][key] for one in published)
    }


def is_cached(name: str, tag: str, text: dict[str, Any]) -> bool:
    """Whether the hub's cache holds the weights of a tag, and what else their model needs of it.

    Args:
        name: an architecture of open_clip.
        tag: one of its tags.
        text: the ``text_cfg`` of its config.
    """
    import open_clip
    from huggingface_hub import try_to_load_from_cache

    repository, _, file = open_clip.get_pretrained_cfg(name, tag).get("hf_hub", "").rpartition("/")
    if not repository:
        return False  # of an address of its own, which open_clip keeps elsewhere
    stem = file.rpartition(".")[0] or "open_clip_model"
    weights = {file or "open_clip_pytorch_model.bin", f"{stem}.safetensors"}
    needed = [(repository, weights)]
    for key, needs in _NEEDED.items():
        if text.get(key):
            needed.append((text[key], needs))
    return all(
        any(isinstance(try_to_load_from_cache(of, each), str) for each in files)
        for of, files in needed
    )
