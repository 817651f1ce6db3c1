"""Sharing: what makes a folder of results tell what it is of, wherever it is read."""
