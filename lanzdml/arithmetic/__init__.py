"""How numbers are computed, for all stages: threads, precision, the library that multiplies."""
