"""mlpk-numba: faster implementations of mlpk's own kinds, compiled by numba."""

from mlpk import Implementation, hookimpl

from mlpk_numba.deferred import deferred, served

__all__ = ["mlpk_implementations"]

BOTH_WAYS = (
    "average_pool2d",
    "batch_norm",
    "conv2d",
    "dense",
    "lstm",
    "max_pool2d",
    "relu",
    "softmax_cross_entropy",
)
UPDATES = ("adam", "adamw", "momentum", "rmsprop", "sgd")


@hookimpl
def mlpk_implementations() -> list[Implementation]:
    """Return the implementations; numba, and what it compiles, is imported once one is needed."""
    return [
        *(
            Implementation(
                kind,
                forward=deferred(kind, "forward"),
                backward=deferred(kind, "backward"),
                serves=served(kind),
            )
            for kind in BOTH_WAYS
        ),
        *(
            Implementation(kind, update=deferred(kind, "update"), serves=served(kind))
            for kind in UPDATES
        ),
    ]
