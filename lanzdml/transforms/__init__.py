"""Transforms: what the methods learn, fitted once a run and stored, one file a seed."""

from lanzdml.transforms.storage import load_transform, save_transform

__all__ = ["load_transform", "save_transform"]
