"""Makes a child process of the tests tell which secrets it mints; on its path by the desk alone.

Python imports this module at every start. It changes `mint` where that is imported, and appends
each new key to the witness's file, which no sweep reads.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_MINTING = "reconciler.credentials.minting"
_WITNESS = os.environ.get("KEYREC_TEST_WITNESS", "")


class _Finder(MetaPathFinder):
    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the one module, and load it so that it tells."""
        if name != _MINTING:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create it as it would be."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run it, then change its one function."""
        self._loader.exec_module(module)
        mint = module.__dict__["mint"]

        def telling(*arguments: Any, **named: Any) -> Any:
            minted = mint(*arguments, **named)
            with open(_WITNESS, "a", encoding="ascii") as witness:  # noqa: PTH123 - early
                witness.write(f"{minted.api_key.reveal()}\n")
            return minted

        module.__dict__["mint"] = telling


if _WITNESS:
    sys.meta_path.insert(0, _Finder())
