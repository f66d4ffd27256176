"""Which kernels a BLAS library has chosen for this processor."""

from __future__ import annotations

__all__ = ["blas_kernels"]

UNKNOWN = "unknown: threadpoolctl is not installed"


def blas_kernels() -> str:
    """Return the kernels of each BLAS that the process has loaded."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return UNKNOWN
    found = {
        f"{library['internal_api']} {library.get('architecture') or library.get('version')}"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }
    return ", ".join(sorted(found)) or "none"
