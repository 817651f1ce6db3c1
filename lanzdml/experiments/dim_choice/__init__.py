"""Which r' without labels? Rules that look at the prompts alone, beside the best r' by labels."""
