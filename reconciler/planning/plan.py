"""The plan: an immutable answer to "what would apply do, and what is that based on?".

It has two parts. Declared: what the manifests change; the digest covers exactly these typed
effects, the fingerprints of what they touch, the store and the sink, never random bytes, times or
the commit. Maintenance: what time brings; outside the digest, so that an approval does not go
stale because a rotation came due. No type here has a field that could hold a secret.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from reconciler.model.canonical import Document
from reconciler.model.keys import KeyRecord, KeySpec
from reconciler.model.resources import Body, Resource
from reconciler.model.review import Review
from reconciler.model.source import Problem, Revision, SourceRef
from reconciler.model.verdict import Thing
from reconciler.planning.actions import Action, MaintenanceKind, Reason
from reconciler.planning.drift import Drift
from reconciler.planning.effects import effects_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a plan is bound to: one store and one sink."""

    store_id: str
    sink_id: str
    custody: str = ""
    """Fingerprint of who can read what is written now (`model/custody.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field: before and after, in manifest words; sets also say what came and what went."""

    name: str
    before: Document
    after: Document
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretEffect:
    """What happens to a key's secret, without ever holding one."""

    path: str
    from_version: int | None
    """Sink version of the secret that is replaced or ended; None where there is none."""
    ends: bool = False
    """True where secrets end without a successor (a removal)."""
    left_path: str | None = None
    """A path that the key leaves; emptied after the overlap."""
    previous_works_for: str | None = None
    """The overlap as a duration, where a previous secret goes on working for a time."""
    adopts: int | None = None
    """The version at which the path may be found and is then written over; None where it has to
    be at its recorded one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A stored key comes under this manager; id, history and hold stay."""

    former_manager: str | None
    """Whose it was; None for nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a change was planned against."""

    record_version: int
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One declared change of a key or of a resource."""

    address: str
    """`workspace/name` of a key, or `policy/default`, `workspace/…`, `network/…`, `scopes/…`."""
    actions: tuple[Action, ...]
    reason: Reason
    is_key: bool = True
    workspace: str | None = None
    """Whose admins may apply it; None where only platform admins may."""
    previous_address: str | None = None
    source: SourceRef | None = None
    base: Base | None = None
    fields: Sequence[FieldChange] = ()
    """Of a key that is planned: found when they are asked for (`diff.FieldsDiff`)."""
    secret: SecretEffect | None = None
    adoption: Adoption | None = None
    last_characters: str | None = None
    removal: str | None = None
    """The reason of a removal, in the console page's words."""
    spec: KeySpec | None = None
    record: KeyRecord | None = None
    body: Body | None = None
    resource: Resource | None = None

    @property
    def thing(self) -> Thing:
        """Give what it is about."""
        return self.is_key, self.address

    @property
    def body_before(self) -> Body | None:
        """Give the stored resource, where one is changed or dropped."""
        return None if self.resource is None else self.resource.body


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceItem:
    """One thing that time brings."""

    address: str
    kind: MaintenanceKind
    reason: Reason | None = None
    version_id: str | None = None
    operation_id: str | None = None
    path: str | None = None
    sink_version: int | None = None
    due_since: datetime | None = None
    found: int | None = None
    """For a rotation that mends drift: the version at which the path was found in the sink."""
    drift: Drift | None = None
    """For a path that only a person can decide about: what was found there."""
    workspace: str | None = None
    record: KeyRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a whole plan may not be applied."""

    code: str
    message: str
    advice: str
    address: str | None = None
    source: SourceRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmanaged:
    """A live record of another manager, or of nobody, listed and left alone."""

    address: str
    manager: str | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Ordered changes with what they were based on. Its digest is taken once: a run asks for it
    again and again, and it goes through every change.
    """

    manager: str
    now: datetime
    """The database's time at which it was made."""
    target: Target
    revision: Revision
    manifest_digest: str = ""
    changes: tuple[Change, ...] = ()
    maintenance: tuple[MaintenanceItem, ...] = ()
    drift: tuple[Drift, ...] = ()
    """What was changed outside, where somebody looked before planning."""
    unchanged: int = 0
    unmanaged: tuple[Unmanaged, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Manifests that are invalid against the store: a changed expiration, a lowered generation."""
    notes: tuple[str, ...] = ()
    """Remarks that stop nothing."""
    removal_count: int = 0
    """Removals and deactivations by a disappeared manifest: what `--allow-removals` states."""
    selection: tuple[str, ...] = ()
    """The `--target` and `--exclude` globs in force, as flags; empty for a whole plan."""
    review: Review = field(default_factory=Review)
    """What it means for who can do what; outside the digest, as it follows from the effects."""

    @property
    def is_applyable(self) -> bool:
        """Whether nothing stands against applying it, approval and rights aside."""
        return not self.refusals and not self.problems

    @cached_property
    def digest(self) -> str:
        """Give `sha256:` and the hash of the declared effects and of what they are bound to."""
        return effects_digest(self)

    @property
    def summary(self) -> dict[str, int]:
        """Count the actions of keys by word, resources apart, and what is unchanged."""
        counts = Counter(a.value for c in self.changes if c.is_key for a in c.actions)
        words = {a.value: counts.get(a.value, 0) for a in Action if a is not Action.NO_OP}
        return {
            **words,
            "resources": sum(1 for c in self.changes if not c.is_key),
            "unchanged": self.unchanged,
            "maintenance": len(self.maintenance),
        }
