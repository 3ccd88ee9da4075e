"""Files named from the repository's root, as forges want them, where keyrec ran below it."""

from __future__ import annotations

import posixpath
import re
import urllib.parse
from typing import Any

_COMMAND = re.compile(r"^(::(?:error|warning|notice) (?:[a-zA-Z]+=[^,:]*,)*file=)")


def placed(document: Any, folder: str) -> Any:
    """Give a SARIF or Code Quality document with the folder before every file."""
    prefix = posixpath.normpath(folder or ".")
    return document if prefix == "." else _walked(document, prefix, "")


def placed_commands(text: str, folder: str) -> str:
    """Give workflow commands with the folder before every file."""
    prefix = posixpath.normpath(folder or ".")
    if prefix == ".":
        return text
    shown = _property(f"{prefix}/")
    return "".join(
        _COMMAND.sub(lambda found: f"{found[1]}{shown}", line, count=1)
        for line in text.splitlines(keepends=True)
    )


def _walked(node: Any, prefix: str, name: str) -> Any:
    if isinstance(node, list):
        return [_walked(each, prefix, name) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: _walked(each, prefix, key) for key, each in node.items()}
    if name == "artifactLocation" and isinstance(made.get("uri"), str):
        made["uri"] = f"{urllib.parse.quote(prefix)}/{made['uri']}"
    if name == "location" and isinstance(made.get("path"), str):
        made["path"] = f"{prefix}/{made['path']}"
    return made


def _property(text: str) -> str:
    signs = {"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C", "\\": "%5C"}
    return "".join(signs.get(sign, sign) for sign in text)
