"""Which keys mean a network by the name that stands in their allowlists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from reconciler.model.keys import KeyAddress
from reconciler.model.states import DesiredState, ObservedState
from reconciler.model.workspaces import NetworkSet


@dataclass(frozen=True, kw_only=True)
class NetworkUsers:
    """The keys of all managers, declared or stored, by the networks that they name."""

    desired: DesiredState
    observed: ObservedState

    def of(self, network: NetworkSet) -> Iterator[str]:
        """Name the keys whose allowlists mean a network; those that a plan does not look at follow
        with their own.
        """
        for address in self._by_entry.get(f"network:{network.name}", ()):
            own = (address.workspace, network.name) in self._own
            if network.workspace == (address.workspace if own else None):
                yield str(address)

    @cached_property
    def _by_entry(self) -> Mapping[str, tuple[KeyAddress, ...]]:
        """Give the keys whose allowlists name a network, by the entry that names it."""
        allowlists = {a: r.fields.allowlist for a, r in self.observed.live.items()}
        others = (f.record for f in self.observed.foreign if f.record is not None)
        allowlists |= {r.address: r.fields.allowlist for r in others}
        allowlists |= {s.address: s.fields.allowlist for s in self.desired.keys}
        found: defaultdict[str, list[KeyAddress]] = defaultdict(list)
        for address, allowlist in allowlists.items():
            for entry in {e for e in allowlist or () if e.startswith("network:")}:
                found[entry].append(address)
        return {entry: tuple(addresses) for entry, addresses in found.items()}

    @cached_property
    def _own(self) -> frozenset[tuple[str, str]]:
        """Give workspace and name of the networks that go before one of that name for all."""
        bodies = (*(r.body for r in self.desired.resources), *self.observed.networks)
        return frozenset(
            (b.workspace, b.name)
            for b in bodies
            if isinstance(b, NetworkSet) and b.workspace is not None
        )
