"""Saliency: the maps, how much of them is on the foreground, and how they are drawn."""
