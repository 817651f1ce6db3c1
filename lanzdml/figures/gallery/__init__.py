"""The nearest images of some queries: what is retrieved, and how it is drawn."""
