"""A tree of plain values to the text of a manifest: block style, one field a line.

The rule that lives here: what stands without quotes. Only words that no version of YAML takes for
anything else; all other text is written in JSON's quotes, which are YAML's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

Tree: TypeAlias = "str | int | Sequence[Tree] | Mapping[str, Tree]"

_PART = r"[A-Za-z0-9_./@+(),%-]+(?::[A-Za-z0-9_./@+-]+)*"
_WORDS = rf"(?=[A-Za-z]){_PART}(?: {_PART})*"
_DURATION = "[1-9][0-9]{0,5}[mhd]"
_RANGE = r"[0-9]+(?:\.[0-9]+){3}/[0-9]+|[0-9a-f]+:[0-9a-f:]*/[0-9]+"
_PLAIN = re.compile(f"{_WORDS}|{_DURATION}|{_RANGE}", re.ASCII)
_BREAKS = {0x85: r"\u0085", 0x2028: r"\u2028", 0x2029: r"\u2029"}
"""What breaks lines in YAML 1.1 and not in JSON."""
_TAKEN = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
"""Words that one version of YAML or another takes for something else, in any case."""


def yaml_text(tree: Mapping[str, Tree]) -> str:
    """Write a document; no mapping or list in it is empty."""
    return "".join(f"{line}\n" for line in _mapping_lines(tree))


def _mapping_lines(tree: Mapping[str, Tree]) -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, str | int):
            yield f"{_scalar(name)}: {_scalar(value)}"
        else:
            yield f"{_scalar(name)}:"
            yield from (f"  {line}" for line in _lines(value))


def _lines(value: Sequence[Tree] | Mapping[str, Tree]) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _mapping_lines(value)
        return
    for item in value:
        lines = [_scalar(item)] if isinstance(item, str | int) else list(_lines(item))
        yield f"- {lines[0]}"
        yield from (f"  {line}" for line in lines[1:])


def _scalar(value: str | int) -> str:
    """Write a text or number so that every reader of YAML gives it back."""
    if isinstance(value, bool | int):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) is None or value.lower() in _TAKEN:
        return json.dumps(value, ensure_ascii=False).translate(_BREAKS)
    return value
