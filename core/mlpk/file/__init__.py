"""The .mlpk file: bytes, checks and the models in it."""
