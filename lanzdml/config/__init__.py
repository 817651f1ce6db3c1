"""The configuration: what config.yaml may hold, and one clear line for each thing wrong with it."""
