"""What a method may be fitted to."""

PROMPTS = "prompts"
"""Text embeddings of the notion."""
AGAINST = "against"
"""Text embeddings of what must not matter for it."""
IMAGES, LABELS = "images", "labels"
"""Image embeddings, and their labels."""
