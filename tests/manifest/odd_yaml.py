"""Texts of YAML in all the ways in which people write it, and a few in which nobody should."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

PLAIN = st.sampled_from(
    ["a", "no", "true", "false", "12", "-3", "010", "1e3", "null", "~", "a b", "x:y", "é", "-x"]
)
KEYS = st.sampled_from(["a", "b", "name", "true", "12", '"q"', "'s s'", "é"])
RARE = st.sampled_from(
    ["<<", "'<<'", "? k", "&x a", "!t a", "[a, b]", "{a: b}", "*x", "", "null", "? [a]"]
)
NEVER, SELDOM = st.just(False), st.integers(0, 24).map(lambda n: n == 0)
COMMENTS = st.sampled_from(["", "", "", " # said", "  #", " "])
BETWEEN = st.sampled_from(["---", "--- # next", "...\n---", "...", "---\n---", "---\n# alone\n---"])


class Writer:
    """Draws one text; `odd` says how often something that no manifest may use stands in it."""

    def __init__(self, draw: st.DrawFn, odd: st.SearchStrategy[bool]) -> None:
        self._draw = draw
        self._odd = odd

    def text(self) -> str:
        """Give documents, one after another."""
        parts: list[str] = [self._draw(st.sampled_from(["", "", "# first\n", "---\n", "\n"]))]
        for number in range(self._draw(st.integers(1, 3))):
            if number:
                parts.append(self._draw(BETWEEN) + "\n")
            parts.append("\n".join(self._node(0, self._draw(st.integers(0, 3)))) + "\n")
            parts.append(self._draw(st.sampled_from(["", "", "\n", "# end\n", "\n  # end\n\n"])))
        whole = "".join(parts)
        return whole if self._draw(st.booleans()) else whole.rstrip("\n")

    def _node(self, indent: int, depth: int) -> Iterator[str]:
        """Give the lines of one value, each with its indentation."""
        kind = self._draw(st.sampled_from("msf")) if depth else "f"
        if kind == "f":
            yield " " * indent + self._flow(2) + self._draw(COMMENTS)
            return
        for key in self._keys():
            yield from self._noise(indent)
            yield from self._entry(f"{key}:" if kind == "m" else "-", indent, depth)

    def _keys(self) -> list[str]:
        unique = None if self._draw(self._odd) else str
        keys = self._draw(st.lists(KEYS, min_size=1, max_size=3, unique_by=unique))
        return [self._draw(RARE) if self._draw(self._odd) else key for key in keys]

    def _noise(self, indent: int) -> Iterator[str]:
        yield from self._draw(st.sampled_from([(), (), (), ("",), (" " * indent + "# odd",)]))

    def _entry(self, head: str, indent: int, depth: int) -> Iterator[str]:
        """Give a key or a dash with its value, beside it or below it."""
        start = " " * indent + head
        if head.startswith("-") and self._draw(st.booleans()):
            first, *rest = self._node(indent + 2, depth - 1)
            yield f"{start} {first[indent + 2 :]}" if first.strip() else start
            yield from rest
        elif self._draw(st.booleans()):
            yield f"{start} {self._beside(indent)}"
        else:
            yield start + self._draw(COMMENTS)
            yield from self._node(indent + self._draw(st.integers(1, 4)), depth - 1)

    def _beside(self, indent: int) -> str:
        if self._draw(st.integers(0, 3)):
            return self._flow(2) + self._draw(COMMENTS)
        head = self._draw(st.sampled_from(["|", ">", "|-", ">+", "|2", ">-  # said"]))
        lines = self._draw(st.lists(st.sampled_from(["one", "", "  two", "# no"]), max_size=3))
        return "\n".join([head, *(" " * (indent + 2) + line if line else "" for line in lines)])

    def _flow(self, depth: int) -> str:
        """Give a value on one line, or on two where it is in brackets."""
        if self._draw(self._odd):
            return self._draw(RARE)
        kind = self._draw(st.sampled_from("ppps'\"[{")) if depth else "p"
        comma = self._draw(st.sampled_from([", ", ",", ",\n      ", " ,"]))
        match kind:
            case "[":
                return f"[{comma.join(self._many(depth))}]"
            case "{":
                keys = self._draw(st.lists(KEYS, max_size=3, unique=True))
                return "{" + comma.join(f"{k}: {self._flow(depth - 1)}" for k in keys) + "}"
            case "'" | '"':
                return f"{kind}{self._draw(st.sampled_from(['', 'a', 'a b', 'null', '12']))}{kind}"
            case _:
                return self._draw(PLAIN)

    def _many(self, depth: int) -> list[str]:
        return [self._flow(depth - 1) for _ in range(self._draw(st.integers(0, 3)))]


@st.composite
def plain_texts(draw: st.DrawFn) -> str:
    """Draw a text in which little is unusual but its form."""
    return Writer(draw, NEVER).text()


@st.composite
def odd_texts(draw: st.DrawFn) -> str:
    """Draw a text in which now and then something stands that no manifest may use."""
    return Writer(draw, SELDOM).text()


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> bytes:
    """Draw a text some of whose bytes were lost, doubled or replaced."""
    content = bytearray(draw(texts).encode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        new: Any = draw(st.one_of(st.sampled_from(list(b" \n\t:-#'\"[]{}&*!|>%,?")), st.binary()))
        content[at : at + draw(st.integers(0, 2))] = bytes([new]) if isinstance(new, int) else new
    return bytes(content)
