"""Embeddings: images and prompts through CLIP once, and the files that hold what comes out."""

from lanzdml.embeddings.storage import labelled_images, read_embeddings, write_embeddings

__all__ = ["labelled_images", "read_embeddings", "write_embeddings"]
