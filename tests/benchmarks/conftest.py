"""The scripts beside the tests import each other; the tests import them likewise."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
