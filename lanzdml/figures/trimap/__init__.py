"""The TriMap of the embeddings: its points, and how they are drawn."""
