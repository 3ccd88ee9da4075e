"""Ranges read once: allowlists repeat from key to key, so what was read is remembered.

What a range is stands in `model/allowlist`.
"""

from __future__ import annotations

from functools import lru_cache

from reconciler.model.allowlist import Network, RangeRefused, collapse, parse_range


@lru_cache(maxsize=65536)
def read_range(text: str) -> tuple[Network, str] | RangeRefused:
    """Give a range with its canonical text, or why it is none."""
    network = parse_range(text)
    return network if isinstance(network, RangeRefused) else (network, str(network))


@lru_cache(maxsize=65536)
def collapsed(ranges: tuple[str, ...]) -> tuple[str, ...]:
    """Give canonical ranges as the smallest list that holds the same addresses."""
    if len(ranges) < 2:
        return ranges
    found = (read_range(text) for text in ranges)
    return tuple(str(n) for n in collapse(f[0] for f in found if not isinstance(f, RangeRefused)))
