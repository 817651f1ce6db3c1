"""Significance: which differences between methods hold for other images and other fits."""
