"""Collections: vectors of images without labels, to which what a method learned is applied.

Each file of vectors is a shard of its own; what comes out of all is gathered in one array and, by
faiss, in an index.
"""
