"""The how-to of the middleware: its code is Python, its names exist, its table is read as it says."""

from __future__ import annotations

import ast
import importlib
import re

import pytest

from reconciler.server.routes import WEBSOCKET, Routes
from tests.fakes.typed_page import ROOT

PAGE = (ROOT / "docs" / "how-to" / "verify-in-your-service.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LINES = re.findall(r"^\| `((?:[A-Z,]+ )?/\S+|)` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS)
def test_what_the_page_imports_is_there(block: str) -> None:
    """Every block is Python, and what it takes from us can be taken."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("reconciler"):
            module = importlib.import_module(node.module or "")
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def test_the_lines_of_the_pages_table_are_lines() -> None:
    """Each can be read, and means what stands beside it."""
    assert LINES == ["GET /reviews", "GET,PUT /reviews/*", "/reviews/*", "WEBSOCKET /feed"]
    asked = [
        ("HEAD", "/reviews/"),
        ("PUT", "/reviews/1"),
        (WEBSOCKET, "/reviews"),
        ("GET", "/feed"),
    ]
    read = [Routes.of({line: "Reviews:read"}) for line in LINES]
    needs = [routes.need(*question) for routes, question in zip(read, asked, strict=True)]
    assert [str(need) for need in needs] == ["Reviews:read"] * 3 + ["None"]
