"""Lines on two logarithmic axes, as SVG: a straight line of slope one is linear growth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.growth import Line
from benchmarks.table import seconds

_WIDTH, _HEIGHT = 940, 460
_LEFT, _TOP, _RIGHT, _BOTTOM = 80, 40, 360, 50
_COLORS = ("#0b62a4", "#c0392b", "#1e8449", "#8e44ad", "#b9770e", "#148f77", "#5d6d7e", "#17202a")
_DASHES = ("", "6 4", "2 3")


def plot(title: str, axis: str, lines: Sequence[Line]) -> str:
    """Draw lines; `axis` says what the numbers on the horizontal axis count."""
    return "\n".join(_drawn(title, axis, lines)) + "\n"


def _drawn(title: str, axis: str, lines: Sequence[Line]) -> Iterator[str]:
    at = _Scale(lines)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="12">'
    )
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
    yield f'<text x="{_LEFT}" y="22" font-size="15" fill="#222">{escape(title)}</text>'
    for number in at.numbers:
        x = at.x(number)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{at.floor}" stroke="#e4e4e4"/>'
        yield (
            f'<text x="{x:.1f}" y="{at.floor + 18}" text-anchor="middle" fill="#444">'
            f"{number:,}</text>"
        )
    for time in at.times:
        y = at.y(time)
        yield f'<line x1="{_LEFT}" x2="{at.wall}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4e4"/>'
        yield (
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#444">'
            f"{_short(time)}</text>"
        )
    yield (
        f'<text x="{(_LEFT + at.wall) / 2:.0f}" y="{_HEIGHT - 8}" text-anchor="middle" '
        f'fill="#444">{escape(axis)}</text>'
    )
    for place, line in enumerate(lines):
        yield from _line(place, line, at)
    yield "</svg>"


def _line(place: int, line: Line, at: _Scale) -> Iterator[str]:
    color, dash = _COLORS[place % len(_COLORS)], _DASHES[place // len(_COLORS) % len(_DASHES)]
    path = " ".join(f"{at.x(n):.1f},{at.y(t):.1f}" for n, t in line.points)
    stroke = f'stroke="{color}" stroke-width="2" stroke-dasharray="{dash}"'
    yield f'<polyline points="{path}" fill="none" {stroke}/>'
    for number, time in line.points:
        yield f'<circle cx="{at.x(number):.1f}" cy="{at.y(time):.1f}" r="3" fill="{color}"/>'
    y = _TOP + 10 + place * 20
    yield f'<line x1="{at.wall + 16}" x2="{at.wall + 40}" y1="{y}" y2="{y}" {stroke}/>'
    yield f'<text x="{at.wall + 46}" y="{y + 4}" fill="#222">{escape(line.name)}</text>'


class _Scale:
    """Where numbers and times stand."""

    floor = _HEIGHT - _BOTTOM
    wall = _WIDTH - _RIGHT

    def __init__(self, lines: Sequence[Line]) -> None:
        points = [point for line in lines for point in line.points]
        self.numbers = sorted({number for number, _ in points})
        low = math.floor(math.log10(min(time for _, time in points)))
        high = math.ceil(math.log10(max(time for _, time in points)))
        self.times = [10.0**power for power in range(low, high + 1)]

    def x(self, number: float) -> float:
        """Give the place of a number."""
        return _LEFT + (self.wall - _LEFT) * _share(number, self.numbers)

    def y(self, time: float) -> float:
        """Give the place of a time."""
        return self.floor - (self.floor - _TOP) * _share(time, self.times)


def _share(value: float, of: Sequence[float]) -> float:
    low, high = math.log10(of[0]), math.log10(of[-1])
    return (math.log10(value) - low) / (high - low or 1.0)


def _short(time: float) -> str:
    return seconds(time).replace(".00", "").replace(".0", "")
