"""What a check raises that has nothing to look at."""

__all__ = ["InapplicableError"]


class InapplicableError(Exception):
    """A check does not apply to an example; the text says why. It counts as skipped, not passed."""
