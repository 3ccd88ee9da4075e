"""What a key may touch: resources with ordered levels.

A catalogue maps each resource to its levels, weakest first; a granted level covers itself and
every weaker one. The built-in catalogue is the console page's table, and what keyrec itself asks
for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ScopeGrant:
    """One resource and the level granted on it."""

    resource: str
    level: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `Resource:level`; of another text a part is empty, which no scope's is."""
        resource, _, level = text.partition(":")
        return cls(resource=resource, level=level)

    def __str__(self) -> str:
        """Give `Resource:level`, as commands take and show it."""
        return f"{self.resource}:{self.level}"


@dataclass(frozen=True, kw_only=True)
class ScopeCatalog:
    """All resources that exist, each with its levels from weakest to strongest."""

    resources: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, mapping: Mapping[str, tuple[str, ...]]) -> Self:
        """Build one from a mapping; the order of resources does not matter."""
        return cls(resources=tuple(sorted(mapping.items())))

    def levels(self, resource: str) -> tuple[str, ...]:
        """Give the resource's levels, weakest first; empty where there is no such resource."""
        return self._by_resource.get(resource, ())

    @cached_property
    def _by_resource(self) -> dict[str, tuple[str, ...]]:
        return dict(self.resources)

    def extended(self, other: ScopeCatalog) -> ScopeCatalog:
        """Give both together; `other` wins where a resource is in both."""
        return ScopeCatalog.of({**dict(self.resources), **dict(other.resources)})

    def covers(self, granted: ScopeGrant, wanted: ScopeGrant) -> bool:
        """Whether the grant is enough: the same resource at the wanted level or above."""
        if granted.resource != wanted.resource:
            return False
        levels = self.levels(granted.resource)
        if granted.level not in levels or wanted.level not in levels:
            return False
        return levels.index(granted.level) >= levels.index(wanted.level)


CONSOLE_CATALOG = ScopeCatalog.of(
    {
        "Reviews": ("read", "operate"),
        "Workspaces": ("read", "change"),
        "Credentials": ("read", "change"),
        "Webhooks": ("read", "change"),
        "Repositories": ("read", "change"),
        "SecurityScans": ("read", "operate"),
    }
)
"""The table of the console's API Keys page."""
INTROSPECT = ScopeGrant(resource="Introspection", level="use")
"""What a key needs to ask `keyrec serve` about other keys."""
BUILT_IN_CATALOG = CONSOLE_CATALOG.extended(
    ScopeCatalog.of({INTROSPECT.resource: (INTROSPECT.level,)})
)
"""What is known without being declared."""
GRAVE = frozenset({("Credentials", "change"), ("Workspaces", "change")})
"""Who may change credentials or workspaces can give rights to anybody."""
