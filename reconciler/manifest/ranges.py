"""Ranges read once: allowlists repeat from key to key, so what was read is remembered.

What a range is stands in `model/allowlist`.
"""

from __future__ import annotations

from functools import lru_cache

from reconciler.model.allowlist import RangeRefused, parse_range
from reconciler.model.spans import plain_span, spans_of

_KEPT = 8192


@lru_cache(maxsize=_KEPT)
def read_range(text: str) -> str | RangeRefused:
    """Give a range's canonical text, or why it is none."""
    if plain_span(text) is not None:
        return text
    network = parse_range(text)
    return network if isinstance(network, RangeRefused) else str(network)


@lru_cache(maxsize=_KEPT)
def collapsed(ranges: tuple[str, ...]) -> tuple[str, ...]:
    """Give canonical ranges as the smallest list that holds the same addresses."""
    if len(ranges) < 2:
        return ranges
    return tuple(span.text for span in spans_of(ranges))
