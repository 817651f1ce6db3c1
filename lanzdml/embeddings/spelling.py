"""Which of open_clip's models is meant by a name that others write otherwise."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

QUICKGELU = "-quickgelu"
# What transformers calls OpenAI's and others' models: clip-vit-base-patch32.
_OF_TRANSFORMERS = re.compile(r"vit(base|large|huge|giant)patch(\d+)")


def same(name: str, names: Iterable[str]) -> str | None:
    """The name of open_clip's that somebody wrote otherwise, by its letters and digits alone.

    OpenAI writes ``ViT-B/32`` and ``ViT-L/14@336px``, transformers ``clip-vit-base-patch32``, and
    others leave out hyphens.

    Args:
        name: as somebody wrote it.
        names: all of open_clip's.
    """
    return {_key(known): known for known in names}.get(_key(name))


def meant(name: str, names: Iterable[str]) -> str | None:
    """:func:`same`, or else the name of open_clip's that is nearest, if any is near."""
    by_key = {_key(known): known for known in names}
    close = get_close_matches(_key(name), by_key, n=1)
    return by_key[close[0]] if close else None


def is_of_transformers(repository: str) -> bool:
    """Whether a repository of the hub is known to be in transformers' format alone."""
    owner, _, name = repository.partition("/")
    return owner == "openai" and _OF_TRANSFORMERS.search(_letters(name)) is not None


def openai_weights(repository: str, names: Iterable[str]) -> str:
    """What to write for a repository of OpenAI's in transformers' format."""
    return (
        f"open_clip has these weights: architecture {meant(repository, names)}{QUICKGELU}, "
        "pretrained openai"
    )


def advice(name: str, names: Iterable[str]) -> str:
    """What to write in place of a name that open_clip does not have."""
    names = list(names)
    known = meant(name, names)
    if known is None:
        return "open_clip.list_models() lists those that there are"
    quick = known + QUICKGELU
    also = f" ({quick!r} for OpenAI's own weights)" if quick in names else ""
    return f"did you mean {known!r}{also}?"


def _key(name: str) -> str:
    """What tells names apart: as open_clip calls a model of transformers', whosever it is."""
    letters = _letters(name)
    if found := _OF_TRANSFORMERS.search(letters):
        size, patch = found.groups()
        return f"vit{size[0]}{patch}"
    return letters.removesuffix("px")


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
