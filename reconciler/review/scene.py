"""What rules look at: the plan beside what is declared and what the store holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from reconciler.model.keys import KeyAddress, KeyFields, KeyRecord, KeySpec
from reconciler.model.policy import Policy
from reconciler.model.scopes import BUILT_IN_CATALOG, GRAVE, ScopeCatalog, ScopeGrant
from reconciler.model.severity import Severity
from reconciler.model.states import DesiredState, ObservedState
from reconciler.model.verdict import Thing
from reconciler.planning.actions import Action
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Change, Plan
from reconciler.review.meanings import Meanings, meanings
from reconciler.review.networks import NetworkUsers
from reconciler.review.said import Said
from reconciler.review.usage import Usage


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One review."""

    plan: Plan
    request: PlanRequest
    defaults: Mapping[str, tuple[Severity, Severity]]
    """How grave each rule is where nobody says otherwise, and how grave its gravest case."""
    only: tuple[KeySpec, ...] | None = None
    """The keys that are looked at, in place of what is declared."""

    @property
    def desired(self) -> DesiredState:
        """Give what is declared."""
        return self.request.desired

    @property
    def observed(self) -> ObservedState:
        """Give what the store holds."""
        return self.request.observed

    @property
    def now(self) -> datetime:
        """Give the database's time."""
        return self.request.observed.read_at

    @property
    def policy(self) -> Policy:
        """Give the stored policy, which judges."""
        return self.request.observed.policy

    @cached_property
    def catalog(self) -> ScopeCatalog:
        """Give the catalogue that will hold after the plan: a declared one that a selection keeps
        out says nothing yet. Keys as they were are judged by the stored one.
        """
        if self.only is not None:
            return self.observed.catalog
        for change in self.plan.changes:
            if isinstance(change.body, ScopeCatalog):
                return BUILT_IN_CATALOG.extended(change.body)
            if isinstance(change.body_before, ScopeCatalog):
                return BUILT_IN_CATALOG
        return self.observed.catalog

    @cached_property
    def meanings(self) -> Meanings:
        """Give what another catalogue makes of keys that the plan leaves alone."""
        return meanings(self.plan, self.observed, self.catalog)

    @cached_property
    def usage(self) -> Usage:
        """Give what verifiers saw of the stored keys."""
        return Usage(observed=self.observed)

    @cached_property
    def stored(self) -> tuple[KeyRecord, ...]:
        """Give the live keys that the plan looks at, by address."""
        environments, covers = self.request.environments, self.request.selection.covers
        return tuple(
            record
            for address, record in sorted(
                self.observed.live.items(), key=lambda item: item[0].order
            )
            if (not environments or record.fields.environment in environments)
            and covers(str(address))
        )

    @cached_property
    def working(self) -> tuple[KeyRecord, ...]:
        """Give those of them by which anybody can get in."""
        return tuple(r for r in self.stored if self.admits(r))

    @cached_property
    def lasting(self) -> tuple[KeyRecord, ...]:
        """Give those of them that the plan lets work on."""
        ends = {Action.REMOVE, Action.DEACTIVATE}
        records = (c.record for c in self.key_changes if ends & {*c.actions})
        ended = {record.key_id for record in records if record is not None}
        return tuple(r for r in self.working if r.key_id not in ended)

    def admits(self, record: KeyRecord) -> bool:
        """Whether anybody can get in by it."""
        return record.hold is None and record.is_open(self.now)

    @cached_property
    def specs(self) -> tuple[KeySpec, ...]:
        """Give the declared keys that the plan looks at."""
        if self.only is not None:
            return self.only
        covers = self.request.selection.covers
        return tuple(s for s in self.desired.keys if covers(str(s.address)))

    @cached_property
    def key_changes(self) -> tuple[Change, ...]:
        """Give the changes of keys."""
        return tuple(c for c in self.plan.changes if c.is_key)

    @cached_property
    def changed(self) -> frozenset[Thing]:
        """Give everything that the plan changes."""
        return frozenset(c.thing for c in self.plan.changes)

    @cached_property
    def network_users(self) -> NetworkUsers:
        """Give which keys mean which network."""
        return NetworkUsers(desired=self.desired, observed=self.observed)

    @cached_property
    def before(self) -> Scene:
        """Give the changed keys as they were, those that admitted somebody, for the same rules.

        What is adopted was nobody's to review until now.
        """
        were = tuple(
            replace(spec, address=record.address, fields=record.fields)
            for change, record, spec in self.altered()
            if change.adoption is None and record.is_open(self.now)
        )
        return replace(self, only=were)

    @cached_property
    def names_now(self) -> dict[str, str]:
        """Give the new address of each key that is renamed, by its old one."""
        return {c.previous_address: c.address for c in self.key_changes if c.previous_address}

    def altered(self) -> Iterator[tuple[Change, KeyRecord, KeySpec]]:
        """Give the changes of keys that are there before and after."""
        for change in self.key_changes:
            if change.record is not None and change.spec is not None:
                yield change, change.record, change.spec

    def writes(self, fields: KeyFields) -> tuple[str, ...]:
        """Give the grants that allow more than to read, as far as a catalogue tells."""
        found = self._writing.get(fields.scopes)
        if found is None:
            found = tuple(str(grant) for grant in fields.scopes if self._writes(grant))
            self._writing[fields.scopes] = found
        return found

    @cached_property
    def _writing(self) -> dict[tuple[ScopeGrant, ...], tuple[str, ...]]:
        """Keep what was found: most keys are granted what others are."""
        return {}

    def _writes(self, grant: ScopeGrant) -> bool:
        """Whether a grant is of more than the weakest of several levels; where there is but one,
        only the word `read` says that it reads.
        """
        levels = self.catalog.levels(grant.resource)
        if grant.level not in levels:
            return False
        if len(levels) == 1:
            return grant.level != "read"
        covers = {(grant.resource, at) for at in levels[: levels.index(grant.level) + 1]}
        return len(covers) > 1 or not covers.isdisjoint(GRAVE)

    @cached_property
    def renewed(self) -> frozenset[str]:
        """Give the ids of the keys to which the declared part gives a new secret."""
        changes = (c for c in self.key_changes if c.secret is not None)
        return frozenset(c.record.key_id for c in changes if c.record is not None)

    @cached_property
    def keys_of(self) -> Mapping[str, frozenset[str]]:
        """Give the addresses of all keys by their workspace: declared, stored, of others."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        others = (f.address for f in self.observed.foreign)
        for address in (*(s.address for s in self.desired.keys), *self.observed.live, *others):
            found[address.workspace].add(str(address))
        return {workspace: frozenset(keys) for workspace, keys in found.items()}

    def of_spec(
        self,
        spec: KeySpec,
        message: str,
        field: str = "",
        *,
        severity: Severity | None = None,
        whole: str = "",
    ) -> Said:
        """Say something of a declared key, at its field where that is placed."""
        return Said(
            address=str(spec.address),
            message=message,
            workspace=spec.address.workspace,
            source=spec.where(field),
            severity=severity,
            whole=whole,
        )

    def of_change(
        self, change: Change, message: str, field: str = "", severity: Severity | None = None
    ) -> Said:
        """Say something of a change."""
        if change.spec is not None:
            return self.of_spec(change.spec, message, field, severity=severity)
        return Said(
            address=change.address,
            is_key=change.is_key,
            message=message,
            workspace=change.workspace,
            source=change.source,
            severity=severity,
        )

    def of_record(self, record: KeyRecord, message: str, severity: Severity | None = None) -> Said:
        """Say something of a stored key, at its manifest where it has one."""
        spec = self.spec_of.get(record.address)
        return Said(
            address=str(record.address),
            message=message,
            workspace=record.address.workspace,
            source=None if spec is None else spec.source,
            severity=severity,
        )

    @cached_property
    def spec_of(self) -> dict[KeyAddress, KeySpec]:
        """Give all declared keys by address."""
        return {s.address: s for s in self.desired.keys}
