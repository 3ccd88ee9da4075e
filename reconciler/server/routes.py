"""Which request needs which right: a table of paths, closed where it says nothing.

The rule: the most specific path of the table decides, and it alone; no method falls through to a
wider path. A path that somebody could read as another one (doubled slashes, dots, encoded slashes,
other case) has no rule at all. What does not live here: keys, and what is answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self, TypeAlias

from reconciler.errors import ConfigInvalid
from reconciler.model.scopes import ScopeGrant
from reconciler.server.gateway import read_scope


class Access(StrEnum):
    """What a path may need instead of a scope."""

    PUBLIC = "public"
    """Nothing: no key is looked at."""
    ANY_KEY = "any-key"
    """A key that may be used, whatever its scopes."""


Need: TypeAlias = ScopeGrant | Access
RouteTable: TypeAlias = Mapping[str, Need | str]
"""`GET,PUT /reviews/*` to `Reviews:read` or an `Access`; without methods it holds for all."""

WEBSOCKET: Final = "WEBSOCKET"
"""What stands for the method of a request that opens a WebSocket."""
_NO_METHOD: Final = "?"

_EVERY_METHOD = "*"
_ADVICE = "Write it as 'GET /reviews', or 'GET,PUT /reviews/*' for all that is below it too."
_METHODS = re.compile(r"[A-Z]+(?:,[A-Z]+)*")
_ODD = re.compile(r"//|\\|[\x00-\x1f\x7f]|/\.\.?(?:/|\Z)|%(?:00|25|2e|2f|5c)", re.IGNORECASE)
_ODD_AS_SENT = re.compile(r"%(?:00|2f|5c)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path of the table, with what each method needs."""

    path: str
    """As it is written, without a slash at its end."""
    needs: Mapping[str, Need]

    def need(self, method: str) -> Need | None:
        """Give what the method needs; HEAD is answered as GET is."""
        asked = ("HEAD", "GET", _EVERY_METHOD) if method == "HEAD" else (method, _EVERY_METHOD)
        return next((self.needs[name] for name in asked if name in self.needs), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The whole table."""

    places: Mapping[tuple[str, bool], Route]
    """By path without regard to case, and whether it holds for all that is below."""

    @classmethod
    def of(cls, table: RouteTable) -> Self:
        """Read a table.

        Raises:
            ConfigInvalid: a line is not of the form, says the same twice, or differs from another
                in case alone.
        """
        places: dict[tuple[str, bool], Route] = {}
        for line, wanted in table.items():
            methods, path, is_below = _read_line(line)
            need = wanted if isinstance(wanted, Access) else wanted_scope(wanted)
            route = places.setdefault((path.casefold(), is_below), Route(path=path, needs={}))
            if route.path != path or not route.needs.keys().isdisjoint(methods):
                raise ConfigInvalid(
                    f"routes: {line!r} says again what another line says.", advice="Keep one."
                )
            added = dict.fromkeys(methods, need)
            places[path.casefold(), is_below] = Route(path=path, needs={**route.needs, **added})
        return cls(places=places)

    def need(self, method: str, path: str, *, as_sent: str = "") -> Need | None:
        """Give what a request needs; None where nothing says so, or the path is odd.

        `path`: decoded, as the framework routes it; `as_sent`: before decoding, where it is known.
        A slash at the end makes no difference.
        """
        if is_odd(path, as_sent=as_sent):
            return None
        for place, is_below in _from_narrow_to_wide(path.removesuffix("/")):
            route = self.places.get((place.casefold(), is_below))
            if route is not None:
                return route.need(method) if route.path == place else None
        return None


def is_odd(path: str, *, as_sent: str = "") -> bool:
    """Whether somebody between client and handler could read the path as another one."""
    is_no_path = path != "" and not path.startswith("/")
    return is_no_path or _ODD.search(path) is not None or _ODD_AS_SENT.search(as_sent) is not None


def wanted_scope(text: ScopeGrant | str) -> ScopeGrant:
    """Read `Resource:level`.

    Raises:
        ConfigInvalid: it is something else.
    """
    scope = text if isinstance(text, ScopeGrant) else read_scope(text)
    if scope is None:
        raise ConfigInvalid(
            f"{text!r} is no scope with a level.",
            advice="Write it as Reviews:read, or give Access.ANY_KEY or Access.PUBLIC.",
        )
    return scope


def _read_line(line: str) -> tuple[frozenset[str], str, bool]:
    """Give methods, path without a slash at its end, and whether it holds for all below."""
    methods, blank, place = line.rpartition(" ")
    path = place.removesuffix("/*") if place.endswith("/*") else place.removesuffix("/")
    has_form = place.startswith("/") and not is_odd(place) and not set(path) & set("*?#{}<> ")
    if not has_form or (blank and _METHODS.fullmatch(methods) is None):
        raise ConfigInvalid(f"routes: {line!r} is no line of the table.", advice=_ADVICE)
    names = frozenset(methods.split(",")) if methods else frozenset({_EVERY_METHOD})
    return names, path, place.endswith("/*")


def _from_narrow_to_wide(path: str) -> Iterator[tuple[str, bool]]:
    """Give the places that a path may be found at: itself, then all that it is below of."""
    yield path, False
    yield path, True
    while path:
        path = path.rpartition("/")[0]
        yield path, True


def method_of(sent: str) -> str:
    """Give a request's method as frameworks read it, in capitals; one that only stands for
    something here is none.
    """
    method = sent.upper()
    return _NO_METHOD if method == WEBSOCKET else method
