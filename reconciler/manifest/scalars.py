"""What a plain scalar stands for: only true, false, null and decimal integers.

All else stays the text that was written (`no`, `22:22:22`, `010`, `1e3`, dates), and the schema
decides.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "": None}
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)


def resolve(text: str) -> str | int | bool | None:
    """Give what a plain scalar stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "-0123456789" and _INTEGER.fullmatch(text) is not None:
        return int(text)
    return text
