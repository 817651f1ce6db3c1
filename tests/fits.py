"""Fits of any method to what it needs of some data."""

from lanzdml.methods.needs import IMAGES, LABELS, PROMPTS


def fit_to(estimator, text, images, labels):
    """Fit an estimator to text embeddings, to images, or to images with labels, as it needs."""
    if PROMPTS not in estimator.needs:
        return estimator.fit(images, labels)
    given = {IMAGES: images, LABELS: labels}
    return estimator.fit(text, **{name: given[name] for name in given if name in estimator.needs})
