"""What a method may be fitted to."""

SEVERAL_VALUES = (
    "images have several values of this notion, and it is defined for one label an image"
)
"""Why a method is not fitted to some labels."""

PROMPTS = "prompts"
"""Text embeddings of the notion."""
AGAINST = "against"
"""Text embeddings of what must not matter for it."""
IMAGES = "images"
"""Image embeddings: with labels those that have one, and else the whole collection."""
LABELS = "labels"
"""The images' labels, in place of prompts or beside them."""
