"""Figures: each module draws one figure of the results from arrays or data frames.

A module has one function ``draw...`` that returns a :class:`matplotlib.figure.Figure`;
:mod:`lanzdml.figures.style` holds what all of them look like and writes the files.
"""
