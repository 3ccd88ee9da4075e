"""Rows in aligned columns: as wide as their content, the same on every terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.render.style import Style, Tint, columns, padded

_GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One finished text, already escaped, and its colour."""

    text: str
    tint: Tint | None = None


def table_lines(head: Sequence[str], rows: Sequence[Sequence[Cell]], style: Style) -> Iterator[str]:
    """Give the head and the rows as lines; an empty head gives no line."""
    titles = [Cell(text=title, tint=Tint.BOLD) for title in head]
    every = [titles, *rows] if titles else list(rows)
    widths = [max(columns(cell.text) for cell in column) for column in zip(*every, strict=True)]
    yield from (_line(row, widths, style) for row in every)


def _line(row: Sequence[Cell], widths: Sequence[int], style: Style) -> str:
    last = len(row) - 1
    return _GAP.join(
        _painted(cell, 0 if place == last else width, style)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    )


def _painted(cell: Cell, width: int, style: Style) -> str:
    gap = padded(cell.text, width)[len(cell.text) :]
    return (cell.text if cell.tint is None else style.paint(cell.text, cell.tint)) + gap
