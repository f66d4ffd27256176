"""A plugin's project, written from templates: complete, installable, its tests passing."""

from mlpk.project.naming import Naming
from mlpk.project.writing import write

__all__ = ["Naming", "write"]
