"""keyrec: a declarative reconciler for API keys.

`reconciler.load()` gives what plans and applies from Python (`reconciler/bootstrap/library.py`). It
is imported when it is asked for: importing the package costs nothing, and draws no arrow from
every room to the composition root.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Give the public API on first use."""
    if name == "load":
        return importlib.import_module("reconciler.bootstrap.library").load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
