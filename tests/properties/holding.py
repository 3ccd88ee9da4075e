"""What holds at every moment, seen from outside: at the sink as a consumer, at the gateway with what
was read there, in the store's rows and its audit chain.

The rule is the list `LAWS`; each compares the world with the small model (`promised.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reconciler.credentials.access import decide, present
from reconciler.credentials.hashing import verify
from reconciler.credentials.verdict import Allowed, Circumstances, Issuer
from reconciler.model.anchor import read_anchor
from reconciler.model.audit import GENESIS, AuditEvent, event_hash
from reconciler.model.journal import Attempt, OperationState
from reconciler.model.keys import KeyRecord, KeyStatus
from reconciler.model.lifetime import VersionState
from reconciler.model.secret import Secret
from reconciler.planning.actions import Reason
from reconciler.ports import StoredVersion
from tests.fakes.store_state import State
from tests.fakes.world import World
from tests.properties.promised import Promised, Value

REPAIRS = frozenset({Reason.SINK_PATH_DELETED.value, Reason.SINK_ROLLED_BACK.value})


@dataclass
class Holding:
    """The world under watch."""

    world: World
    promised: Promised
    retired: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    """Operations that were seen to be blocked."""
    chain: list[AuditEvent] = field(default_factory=list)
    """The audit chain as far as it was looked at."""
    paths: set[str] = field(default_factory=set)
    """Where anything was ever sent."""
    sent: int = 0
    """Writes that were looked at."""
    committed: int = 0
    """Transactions that were looked at."""
    named: set[str] = field(default_factory=set)
    """Versions that the audit chain tells of."""
    anchored: int = 0
    """The newest event that the sink has remembered."""
    is_whole: bool = True
    """Whether every law has held so far."""
    _matches: dict[tuple[str, str], bool] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """Give the store's rows."""
        return self.world.store.state

    def look(self) -> None:
        """Read what can be read, learn what was confirmed, and hold every law."""
        self._read()
        self._learn_repairs()
        self._learn_confirmations()
        whole, self.is_whole = self.is_whole, False
        for law in LAWS:
            law(self)
        self.is_whole = whole

    def authenticates(self, value: Value) -> bool:
        """Whether the gateway lets it in."""
        secret = Secret(value.text)
        presented = present(secret, issuer=Issuer(), lookup=self._row, verify=self._verify)
        return isinstance(decide(presented, Circumstances(now=self.world.clock.now())), Allowed)

    def latest(self, path: str) -> Value | None:
        """Give what a consumer reads at the path."""
        payload = self.world.sink.payload_at(path, self.world.sink.version_at(path))
        if payload is None:
            return None
        return Value(
            text=payload.api_key.reveal(),
            version_id=payload.version_id,
            key_id=payload.key_id,
            path=path,
        )

    def is_excused(self, record: KeyRecord) -> bool:
        """Whether nothing is promised of a key: it may be stopped, or its time is over."""
        expired = record.is_expired(self.world.clock.now())
        return expired or self.promised.may_be_stopped(record, self.heir(record))

    def is_given_away(self, path: str, record: KeyRecord) -> bool:
        """Whether another key than this one, or its heir, has the path now."""
        heirs = {record.key_id, record.superseded_by}
        live = (k for k in self.state.keys.values() if k.status is KeyStatus.LIVE)
        return any(k.fields.sink_path == path and k.key_id not in heirs for k in live)

    def heir(self, record: KeyRecord) -> KeyRecord | None:
        """Give the key that replaced this one by a reissue."""
        return self.state.keys.get(record.superseded_by or "")

    def _read(self) -> None:
        self.paths |= {sent.path for sent in self.world.sink.sent[self.sent :]}
        for path in sorted(self.paths):
            latest = self.latest(path)
            if latest is not None:
                self.promised.read(latest)

    def _learn_repairs(self) -> None:
        """Learn from the audit which overlaps wait for the end of a repair, or begin at one."""
        for event in self.state.events[len(self.chain) :]:
            key_id, now = self.state.subjects.get(event.sequence, ""), event.at
            if event.note.event == "rotation-begun" and event.note.reason in REPAIRS:
                self.promised.wait(key_id, now)
            if event.note.event in {"secret-blocked", "secret-abandoned"}:
                current = self.promised.currents.get(key_id, "")
                self.promised.confirmed((key_id,), current, now)

    def _learn_confirmations(self) -> None:
        for key_id, version_id in _currents(self.state):
            if self.promised.currents.get(key_id) != version_id:
                self.promised.currents[key_id] = version_id
                older = (k.key_id for k in self.state.keys.values() if k.superseded_by == key_id)
                self.promised.confirmed((key_id, *older), version_id, self.world.clock.now())

    def _row(self, version_id: str) -> StoredVersion | None:
        slot = self.state.versions.get(version_id)
        if slot is None:
            return None
        record = self.state.keys[slot.key_id]
        return StoredVersion(record=record, version=slot.version, secret_hash=slot.secret_hash)

    def _verify(self, stored: str, secret: Secret) -> bool:
        asked = (stored, secret.reveal())
        if asked not in self._matches:
            self._matches[asked] = verify(stored, secret)
        return self._matches[asked]


def _currents(state: State) -> Iterator[tuple[str, str]]:
    for slot in state.versions.values():
        if slot.version.state is VersionState.CURRENT:
            yield slot.key_id, slot.version.version_id


def the_latest_value_authenticates(seen: Holding) -> None:
    """P1: at every path at which a key's confirmed secret is, whatever was written over it.

    A path that a key is leaving may be another key's already.
    """
    for slot in seen.state.versions.values():
        path, record = slot.version.sink_path, seen.state.keys[slot.key_id]
        is_home = slot.version.state is VersionState.CURRENT and path not in seen.promised.touched
        if is_home and not (seen.is_excused(record) or seen.is_given_away(path, record)):
            latest = seen.latest(path)
            assert latest is not None, f"nothing can be read at {path}"
            if latest.version_id not in seen.promised.leaked:
                assert seen.authenticates(latest), f"the latest value at {path} does not work"


def a_value_works_until_its_overlap_has_passed(seen: Holding) -> None:
    """P2: whatever was the latest somewhere, and nobody has asked to end."""
    for value in seen.promised.values.values():
        record = seen.state.keys[value.key_id]
        is_over = value.until is not None and seen.world.clock.now() >= value.until
        is_over = is_over or value.version_id in seen.promised.leaked
        if not (is_over or value.path in seen.promised.touched or seen.is_excused(record)):
            assert seen.authenticates(value), f"a value read at {value.path} ended too early"


def what_is_ended_admits_nobody(seen: Holding) -> None:
    """P7: overlaps that have passed; leaks, holds, removals and stops that were reported."""
    now = seen.world.clock.now()
    for value in seen.promised.values.values():
        is_over = value.until is not None and now >= value.until
        is_over = is_over or value.version_id in seen.promised.leaked
        record = seen.state.keys[value.key_id]
        if is_over or seen.promised.must_be_stopped(record, seen.heir(record)):
            assert not seen.authenticates(value), f"an ended value of {value.path} works"


def a_current_secret_is_where_the_store_says(seen: Holding) -> None:
    """P3: at exactly the recorded sink version."""
    for slot in seen.state.versions.values():
        version = slot.version
        if version.state is VersionState.CURRENT and version.sink_path not in seen.promised.touched:
            payload = seen.world.sink.payload_at(version.sink_path, version.sink_version or 0)
            assert payload is not None, f"a current secret is not at {version.sink_path}"
            found = (payload.version_id, payload.key_id)
            assert found == (version.version_id, slot.key_id), "another secret is recorded"


def one_secret_is_current(seen: Holding) -> None:
    """P6: one outcome: at most one current version to a key."""
    counted = Counter(key_id for key_id, _ in _currents(seen.state))
    assert all(count == 1 for count in counted.values()), "a key has two current secrets"


def one_operation_is_open_on_a_path(seen: Holding) -> None:
    """P6: and none is open that nobody would finish."""
    opened = [o for o in seen.state.operations.values() if o.state is OperationState.OPEN]
    assert len({o.sink_path for o in opened}) == len(opened), "two operations on one path"
    unfinished = {o.operation_id for o in opened}
    for slot in seen.state.versions.values():
        if slot.version.state is VersionState.PROVISIONAL:
            assert slot.operation_id in unfinished, "a version is left provisional for ever"


def nothing_is_sent_without_a_committed_attempt(seen: Holding) -> None:
    """What a run sends is known to every later run."""
    for sent in seen.world.sink.sent[seen.sent :]:
        attempt = Attempt(version_id=sent.version_id, expected=sent.expected)
        promised = (o for o in seen.state.operations.values() if o.sink_path == sent.path)
        assert any(attempt in o.attempts for o in promised), "a write without an attempt"
    seen.sent = len(seen.world.sink.sent)


def retired_is_final(seen: Holding) -> None:
    """Nothing leaves it."""
    for version_id in seen.retired:
        is_retired = seen.state.versions[version_id].version.state is VersionState.RETIRED
        assert is_retired, "a retired version came back"
    seen.retired |= {
        version_id
        for version_id, slot in seen.state.versions.items()
        if slot.version.state is VersionState.RETIRED
    }


def only_strangers_block(seen: Holding) -> None:
    """An operation is blocked only where an outsider was; its path may be mended later."""
    for operation in seen.state.operations.values():
        is_new = operation.operation_id not in seen.blocked
        if operation.state is OperationState.BLOCKED and is_new:
            assert operation.sink_path in seen.promised.touched, "blocked without a stranger"
            seen.blocked.add(operation.operation_id)


def nothing_stops_unasked(seen: Holding) -> None:
    """A key is inactive only where somebody asked for it, or after its last overlap."""
    now = seen.world.clock.now()
    for record in seen.state.keys.values():
        if record.status is KeyStatus.REMOVED or record.fields.active or seen.is_excused(record):
            continue
        slots = seen.state.slots(record.key_id)
        is_over = not any(s.version.is_accepted(now) for s in slots)
        assert record.status is KeyStatus.SUPERSEDED, f"{record.address} was stopped by nobody"
        assert is_over, f"what replaced {record.address} stopped it early"


def holds_stay(seen: Holding) -> None:
    """Only a release ends a hold, and nothing takes the place of a held key."""
    held = {k.key_id for k in seen.state.keys.values() if k.hold is not None}
    assert held == seen.promised.held, "a hold came or went by itself"
    heirs = {k.superseded_by for k in seen.state.keys.values() if k.hold is not None}
    assert heirs - {None} <= held, "a held key was replaced"


def only_the_holder_of_the_lease_commits(seen: Holding) -> None:
    """P6: a run that lost its lease commits nothing any more."""
    for commit_id in list(seen.state.commits)[seen.committed :]:
        commit = next(c for c in seen.world.store.commits if c.commit_id == commit_id)
        if commit.fence is not None:
            lease = seen.state.leases[commit.fence.manager][1]
            assert lease is not None, "a run committed without its lease"
            is_held = lease.fence == commit.fence and not lease.is_free(seen.world.clock.now())
            assert is_held, "a run committed without its lease"
    seen.committed = len(seen.state.commits)


def the_chain_is_whole(seen: Holding) -> None:
    """P8: gapless, linked, never rewritten, and every version's beginning is in it."""
    events = seen.state.events
    assert events[: len(seen.chain)] == seen.chain, "the chain was changed or cut"
    head = seen.chain[-1].hash if seen.chain else GENESIS
    for event in events[len(seen.chain) :]:
        assert event.sequence == len(seen.chain) + 1
        assert event.previous_hash == head
        assert event.hash == event_hash(event)
        head = event.hash
        seen.chain.append(event)
        seen.named |= {value for name, value in event.note.detail if name == "versionId"}
    assert seen.state.versions.keys() <= seen.named, "a version began without a word"


def the_sink_remembers_the_chain(seen: Holding) -> None:
    """P8: the anchor is an event of the chain, and never goes back to an older one."""
    anchor = read_anchor(seen.world.sink._anchor[1])
    if anchor is not None:
        place = anchor.head.sequence
        assert place >= seen.anchored, "the anchor went back"
        assert seen.state.events[place - 1].hash == anchor.head.hash, "the anchor is of no event"
        seen.anchored = place


LAWS: tuple[Callable[[Holding], None], ...] = (
    nothing_is_sent_without_a_committed_attempt,
    the_latest_value_authenticates,
    a_value_works_until_its_overlap_has_passed,
    what_is_ended_admits_nobody,
    a_current_secret_is_where_the_store_says,
    one_secret_is_current,
    one_operation_is_open_on_a_path,
    retired_is_final,
    only_strangers_block,
    nothing_stops_unasked,
    holds_stay,
    only_the_holder_of_the_lease_commits,
    the_chain_is_whole,
    the_sink_remembers_the_chain,
)
