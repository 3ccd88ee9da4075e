"""Whether output is coloured: the flag, then NO_COLOR, then FORCE_COLOR, then the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TextIO

from reconciler.config import environment
from reconciler.render.style import Style


def style_for(choice: str, stream: TextIO) -> Style:
    """Give the style for a stream; `choice` is auto, always or never."""
    is_terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else None
    return Style(color=wants_color(choice, environment(), is_terminal=is_terminal), width=width)


def wants_color(choice: str, environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to colour; https://no-color.org and https://force-color.org, where not empty."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    return is_terminal and environ.get("TERM") != "dumb"
