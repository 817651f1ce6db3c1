"""Vectors that others made, from the files that they come in: one row an image, or a prompt.

Read are ``.npy``, ``.npz``, ``.safetensors``, ``.pt`` (tensors only) and ``.parquet``, one file or
several of one kind in a folder, in the order of the numbers in their names; the folder that
clip-retrieval writes; and what ``datasets`` of Hugging Face saves. Nothing that can run code is
loaded: no pickle, no array of objects.
"""

from lanzdml.embeddings.vectors.reading import Kind, read_vectors
from lanzdml.embeddings.vectors.vectors import Vectors

__all__ = ["Kind", "Vectors", "read_vectors"]
