"""Did you mean: the word that was probably meant, among those that exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, words: Iterable[str]) -> str | None:
    """Give the nearest word, where one is near enough; case, - and _ do not count."""
    by_form = {_form(known): known for known in sorted(words, reverse=True)}
    found = get_close_matches(_form(word[:64]), by_form, n=1, cutoff=0.6)
    return by_form[found[0]] if found else None


def suggestion(word: str, words: Iterable[str], *, otherwise: str) -> str:
    """Advise the nearest word, or something else where none is near."""
    near = closest(word, words)
    return otherwise if near is None else f"did you mean {near}?"


def listed(words: Iterable[str]) -> str:
    """Write words for a sentence, in their order."""
    return ", ".join(words)


def _form(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
