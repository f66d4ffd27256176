"""The version of mlpk."""

__version__ = "0.1.0"
