"""Words of memory that several threads read and write at once: an int64 array, place by place."""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["add", "address", "pause", "read", "replace", "write"]

WORD = 8  # bytes
# What tells a processor of a loop that waits, so that it spares power and whom it shares a core with.
YIELD = "llvm.aarch64.hint", (1,)
PAUSES = {"x86_64": ("llvm.x86.sse2.pause", ()), "aarch64": YIELD, "arm64": YIELD}
Int32 = ir.IntType(32)


@intrinsic
def read(_: Any, words: Any, place: Any) -> Any:
    """Return words[place]; whatever was written before it was written is seen from here on."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load_atomic(
            address(context, builder, signature.args[0], *given[:2]), "acquire", WORD
        )

    return types.int64(words, types.intp), generate


@intrinsic
def write(_: Any, words: Any, place: Any, value: Any) -> Any:
    """Set words[place]; who reads it there sees all that was written before."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        builder.store_atomic(
            given[2], address(context, builder, signature.args[0], *given[:2]), "release", WORD
        )
        return context.get_dummy_value()

    return types.void(words, types.intp, types.int64), generate


@intrinsic
def add(_: Any, words: Any, place: Any, value: Any) -> Any:
    """Add to words[place], and return what it was."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = address(context, builder, signature.args[0], *given[:2])
        return builder.atomic_rmw("add", place, given[2], "seq_cst")

    return types.int64(words, types.intp, types.int64), generate


@intrinsic
def replace(_: Any, words: Any, place: Any, old: Any, new: Any) -> Any:
    """Set words[place] to `new` if it is `old`, and tell whether it was."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = address(context, builder, signature.args[0], *given[:2])
        pair = builder.cmpxchg(place, given[2], given[3], "seq_cst", "seq_cst")
        return builder.extract_value(pair, 1)

    return types.boolean(words, types.intp, types.int64, types.int64), generate


@intrinsic
def pause(_: Any) -> Any:
    """Wait for a moment within a loop."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        name, hints = PAUSES.get(binding.get_process_triple().partition("-")[0], ("", ()))
        if name:
            kind = ir.FunctionType(ir.VoidType(), [Int32] * len(hints))
            function = cgutils.get_or_insert_function(builder.module, kind, name)
            builder.call(function, [Int32(hint) for hint in hints])
        return context.get_dummy_value()

    return types.void(), generate


def address(context: Any, builder: Any, kind: Any, words: Any, place: Any) -> Any:
    """Return where in memory words[place] lies."""
    return builder.gep(context.make_array(kind)(context, builder, words).data, [place])
