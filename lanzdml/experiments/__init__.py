"""Experiments: each module asks one question of the benchmark, and draws the answer."""
