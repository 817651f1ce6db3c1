"""Which r' without labels? Rules that look at the prompts alone, beside the best r' by labels."""

WEIGHS = ("soft_subspace",)
"""Methods that weigh the directions in which texts vary, so that none need be cut off."""
