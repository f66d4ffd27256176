"""The outcome of a check that was asked for, where it is bad news."""

from mlpk.errors import MlpkError

__all__ = ["CheckError"]


class CheckError(MlpkError):
    """A file or an installation did not pass; the exit status is 1, as no command was misused."""
