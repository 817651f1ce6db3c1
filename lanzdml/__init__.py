"""Language-guided zero-shot deep metric learning: methods, metrics and data access as plain Python.

The estimators are loaded on first use, so that ``import lanzdml`` costs nothing::

    from lanzdml import InDiReCT
    indirect = InDiReCT(dim=128, random_state=0).fit(prompt_embeddings)
    images_128 = indirect.transform(image_embeddings)
"""

from lanzdml.methods import METHODS

__all__ = list(METHODS.class_names)


def __getattr__(name: str) -> type:
    """An estimator class by its name (PEP 562)."""
    if name not in METHODS.class_names:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return METHODS[METHODS.class_names[name]]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
