"""How often each kind of thing has happened in all stories of a test, so that none is missing."""

from __future__ import annotations

from collections import Counter

TALLY: Counter[str] = Counter()
