"""Which record belongs to which spec, and what part of the world a plan looks at.

A spec meets the live record of its address, else that of its `previousName`. Nothing here decides
what is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.model.keys import KeyAddress, KeyRecord, KeyRemoval, KeySpec
from reconciler.model.states import DesiredState, ForeignRecord, ObservedState
from reconciler.planning.adoption import adoptable, adopted_versions, without_spent_mark
from reconciler.planning.drift import Drift
from reconciler.planning.plan import Adoption, Target
from reconciler.planning.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Everything that a plan is made from."""

    desired: DesiredState
    observed: ObservedState
    target: Target
    selection: Selection = field(default_factory=Selection)
    environments: tuple[str, ...] = ()
    """Only keys of these environments are looked at; empty means all."""
    allowed_removals: int | None = None
    """The count that a person stated; None where none was."""
    maintenance_only: bool = False
    """Whether the declared part is left out: no manifests are needed then."""
    drifts: tuple[Drift, ...] = ()
    """What was found to be changed outside, where somebody looked."""
    no_new_access: bool = False
    """Whether a plan that gives anybody more than before is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One key: declared, stored, or both."""

    spec: KeySpec | None
    record: KeyRecord | None
    removal: KeyRemoval | None = None
    adoption: Adoption | None = None
    """Where the record is not this manager's yet."""

    @property
    def address(self) -> KeyAddress:
        """Give the declared address, else the stored one."""
        if self.spec is not None:
            return self.spec.address
        if self.record is None:
            raise AssertionError("a pair has a spec or a record")
        return self.record.address

    @property
    def is_renamed(self) -> bool:
        """Whether the record still has the previous name."""
        spec, record = self.spec, self.record
        return spec is not None and record is not None and spec.address != record.address


def pair_keys(request: PlanRequest) -> tuple[Pair, ...]:
    """Give every key once, sorted by address: all specs, and records in scope without one.

    A spec meets the record of its address even where that one is of an environment that is not
    looked at: the name is taken, and the record must not be mistaken for a missing one. Where this
    manager has none, a spec that asks for it meets the record of another.
    """
    live = request.observed.live
    specs = {s.address: s for s in request.desired.keys}
    renamed = {a: p for a, s in specs.items() if (p := _previous(s, live, specs)) is not None}
    foreign = adoptable(request.desired, request.observed)
    spent = adopted_versions(request.observed, request.target)
    pairs = [
        _declared(without_spent_mark(s, spent), live.get(renamed.get(a, a)), foreign.get(a))
        for a, s in specs.items()
    ]
    taken = specs.keys() | set(renamed.values())
    removals = {r.address: r for r in request.desired.removals}
    pairs += [
        Pair(spec=None, record=record, removal=removals.get(address))
        for address, record in live.items()
        if address not in taken and _is_in_scope(request, record)
    ]
    return tuple(sorted(pairs, key=lambda pair: pair.address.order))


def _declared(spec: KeySpec, record: KeyRecord | None, foreign: ForeignRecord | None) -> Pair:
    if record is not None or foreign is None:
        return Pair(spec=spec, record=record)
    adoption = Adoption(former_manager=foreign.manager)
    return Pair(spec=spec, record=foreign.record, adoption=adoption)


def _is_in_scope(request: PlanRequest, record: KeyRecord) -> bool:
    environments = request.environments
    return not environments or record.fields.environment in environments


def _previous(
    spec: KeySpec,
    live: dict[KeyAddress, KeyRecord],
    specs: dict[KeyAddress, KeySpec],
) -> KeyAddress | None:
    """Give the address that the key still has in the store; None where it is not to be renamed.

    A `previousName` stays in the manifest after the rename and then means nothing.
    """
    if spec.previous_name is None or spec.address in live:
        return None
    previous = KeyAddress(workspace=spec.address.workspace, name=spec.previous_name)
    return previous if previous in live and previous not in specs else None
