"""The key store in memory: the port's promises in the fewest words, for tests of everything else.

Written apart from the SQL store on purpose: one contract suite holds both. A commit works on a copy
of the state that takes its place at the end, so a failure leaves nothing behind.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.errors import LeaseLost, StoreOutdated
from reconciler.model.anchor import EndedFor, EndedVersion
from reconciler.model.audit import BY_HAND, AuditEvent, AuditNote
from reconciler.model.journal import (
    LEASE_TIME_TO_LIVE,
    Fence,
    Lease,
    OperationState,
)
from reconciler.model.keys import KeyAddress, KeyRecord, KeyStatus
from reconciler.model.policy import Policy
from reconciler.model.resources import Resource
from reconciler.model.states import ObservedState
from reconciler.model.uses import (
    FORGOTTEN_AFTER,
    Listening,
    UseMark,
    UseReport,
    covered_since,
    covered_until,
    listened_since,
    merged_marks,
)
from reconciler.model.writes import Commit, Committed
from reconciler.ports import Clock, StoredVersion
from tests.fakes.store_state import State
from tests.fakes.store_writes import apply_write, require_fence, subject_of
from tests.fakes.system import FakeClock
from tests.fakes.troubles import Troubles

STORE_ID = "5b1c8f0e-0000-4000-8000-00000000fa4e"


class FakeStore:
    """A `KeyStore` in memory, with troubles on order."""

    def __init__(self, clock: Clock | None = None, *, is_migrated: bool = True) -> None:
        """Stand on `clock` (one that stands still where none is given), empty."""
        self.clock: Clock = FakeClock() if clock is None else clock
        self.state = State()
        self.commits: list[Commit] = []
        """Every commit that was asked for, in order, whatever became of it."""
        self.is_closed = False
        self._is_migrated = is_migrated
        self._troubles = Troubles()
        self._lock = threading.RLock()

    def fail_next(
        self, error: BaseException, *, method: str = "commit", after: bool = False
    ) -> None:
        """Raise `error` from the next call of `method`: before anything is done, or after all of
        it was (a lost answer). Orders for one method are served one by one.
        """
        self._troubles.order(error, method=method, after=after)

    def edit_by_hand(self, address: KeyAddress, **fields: Any) -> None:
        """Change a live key's row past the program, as somebody with SQL does."""
        key = self.state.live_at(address)
        assert key is not None
        self.state.keys[key.key_id] = replace(key, fields=replace(key.fields, **fields))

    def check(self) -> None:
        self._troubles.strike("check", after=False)
        if not self._is_migrated:
            raise StoreOutdated("the store has no tables", advice="run: keyrec init")

    def bring_back(self, form: int, *, actor: str) -> bool:
        raise AssertionError("the store in memory has one form")

    def migrate(self) -> bool:
        self._troubles.strike("migrate", after=False)
        was_done = not self._is_migrated
        self._is_migrated = True
        return was_done

    def seed(self, policy: Resource, *, actor: str) -> bool:
        with self._changing("seed"):
            if any(isinstance(r.body, Policy) for r in self.state.resources.values()):
                return False
            state = self.state.copy()
            state.resources[policy.address] = policy
            note = AuditNote(event="store-initialised", address=str(policy.address), reason=BY_HAND)
            state.append(note, at=self.clock.now(), actor=actor)
            self.state = state
            return True

    def now(self) -> datetime:
        self._reading("now")
        return self.clock.now()

    def observe(self, manager: str, *, whole: frozenset[KeyAddress] = frozenset()) -> ObservedState:
        self._reading("observe")
        state = self.state
        ours = {k.key_id for k in state.keys.values() if k.manager == manager}
        live = [k for k in state.keys.values() if k.status is KeyStatus.LIVE]
        tombs = state.newest_tombstones(manager)
        return ObservedState(
            store_id=STORE_ID,
            manager=manager,
            read_at=self.clock.now(),
            records=tuple(state.visible(ours)),
            removed=frozenset(tombs),
            removed_held=frozenset(a for a, k in tombs.items() if k.hold is not None),
            resources=tuple(sorted(state.resources.values(), key=lambda r: str(r.address))),
            operations=tuple(
                o
                for o in state.operations.values()
                if o.state is OperationState.OPEN and o.key_id in ours
            ),
            paths=tuple(sorted(state.paths.values(), key=lambda p: (p.sink_id, p.path))),
            foreign=tuple(
                state.foreign(k, whole=k.address in whole)
                for k in sorted(live, key=lambda k: k.address)
                if k.manager != manager
            ),
            audit_sequence=len(state.events),
            audit_head=state.head,
            uses_until=covered_until(r.until for r in state.reporters.values()),
            uses_since=covered_since(state.reporters.values()),
            marks={
                v.version_id: state.marks[v.version_id]
                for k in state.visible(ours)
                for v in k.versions
                if v.version_id in state.marks
            },
        )

    def presented(self, version_id: str) -> StoredVersion | None:
        self._reading("presented")
        slot = self.state.versions.get(version_id)
        if slot is None:
            return None
        record = self.state.with_versions(self.state.keys[slot.key_id])
        version = next(v for v in record.versions if v.version_id == version_id)
        return StoredVersion(record=record, version=version, secret_hash=slot.secret_hash)

    def find(self, address: KeyAddress) -> tuple[KeyRecord, ...]:
        self._reading("find")
        found = [k for k in self.state.keys.values() if k.address == address]
        return tuple(self.state.with_versions(k) for k in reversed(found))

    def family(self, key_ids: frozenset[str]) -> tuple[KeyRecord, ...]:
        self._reading("family")
        keys = self.state.keys.values()
        found = [k for k in keys if {k.key_id, k.superseded_by} & key_ids]
        return tuple(self.state.with_versions(k) for k in reversed(found))

    def late_attempts(self, sink_id: str, path: str) -> frozenset[int]:
        self._reading("late_attempts")
        abandoned = (
            o
            for o in self.state.operations.values()
            if (o.sink_id, o.sink_path, o.state) == (sink_id, path, OperationState.ABANDONED)
        )
        return frozenset(a.expected for o in abandoned for a in o.attempts)

    def addresses(self, name: str) -> tuple[KeyAddress, ...]:
        self._reading("addresses")
        live = (k for k in self.state.keys.values() if k.status is KeyStatus.LIVE)
        return tuple(sorted(k.address for k in live if k.address.name == name))

    def commit(self, commit: Commit) -> Committed:
        self.commits.append(commit)
        with self._changing("commit"):
            return self._commit(commit)

    def _commit(self, commit: Commit) -> Committed:
        require_fence(commit)
        now = self.clock.now()
        if commit.fence is not None:
            self._own_lease(commit.fence, now)
        if commit.commit_id in self.state.commits:
            return self.state.commits[commit.commit_id]
        state = self.state.copy()
        refusals = []
        for write in commit.writes:
            refusal = apply_write(state, write, now=now, actor=commit.actor)
            refusals.append(refusal)
            note = getattr(write, "note", None)
            if refusal is None and note is not None:
                state.append(
                    note,
                    at=now,
                    actor=commit.actor,
                    commit=commit,
                    subject=subject_of(state, write),
                )
        answer = Committed(
            at=now,
            refusals=tuple(refusals),
            audit_sequence=len(state.events),
            audit_head=state.head,
        )
        state.commits[commit.commit_id] = answer
        self.state = state
        return answer

    def report_uses(self, report: UseReport) -> None:
        with self._changing("report_uses"):
            state, now = self.state, self.clock.now()
            report = report.as_of(now)
            for version_id, at in report.uses:
                if version_id in state.versions:
                    state.uses[version_id] = max(state.uses.get(version_id, at), at)
            for version_id in {m.version_id for m in report.marks} & set(state.versions):
                seen = [m for m in report.marks if m.version_id == version_id]
                known = state.marks.get(version_id, ())
                state.marks[version_id] = merged_marks((*known, *seen), now)
            said = state.reporters.get(report.reporter)
            if said is None or said.until < report.until:
                since = listened_since(report.until, state.reporters.values())
                state.reporters[report.reporter] = Listening(until=report.until, since=since)
            for reporter, kept in list(state.reporters.items()):
                if kept.until < now - FORGOTTEN_AFTER:
                    del state.reporters[reporter]

    def use_marks(self, version_ids: frozenset[str]) -> tuple[UseMark, ...]:
        self._reading("use_marks")
        marks = self.state.marks
        return tuple(m for v in sorted(version_ids & set(marks)) for m in marks[v])

    def acquire_lease(self, manager: str, *, holder: str, run_id: str) -> Lease | None:
        with self._changing("acquire_lease"):
            now, expires_at = self.clock.now(), self.clock.now() + LEASE_TIME_TO_LIVE
            epoch, held = self.state.leases.get(manager, (0, None))
            if held is not None and not held.is_free(now):
                if held.run_id != run_id:
                    return None
                lease = replace(held, expires_at=expires_at)
            else:
                lease = Lease(
                    manager=manager,
                    epoch=epoch + 1,
                    run_id=run_id,
                    holder=holder,
                    acquired_at=now,
                    expires_at=expires_at,
                )
            self.state.leases[manager] = (lease.epoch, lease)
            return lease

    def lease(self, manager: str) -> Lease | None:
        self._reading("lease")
        return self.state.leases.get(manager, (0, None))[1]

    def renew_lease(self, fence: Fence) -> Lease:
        with self._changing("renew_lease"):
            now = self.clock.now()
            lease = replace(self._own_lease(fence, now), expires_at=now + LEASE_TIME_TO_LIVE)
            self.state.leases[fence.manager] = (lease.epoch, lease)
            return lease

    def release_lease(self, fence: Fence) -> None:
        with self._changing("release_lease"):
            epoch, held = self.state.leases.get(fence.manager, (0, None))
            if held is not None and held.fence == fence:
                self.state.leases[fence.manager] = (epoch, None)

    def end_lease(self, manager: str, *, actor: str) -> Lease | None:
        with self._changing("end_lease"):
            now = self.clock.now()
            epoch, held = self.state.leases.get(manager, (0, None))
            if held is None or held.is_free(now):
                return None
            self.state.leases[manager] = (epoch, None)
            detail = (("epoch", str(epoch)), ("holder", held.holder), ("runId", held.run_id))
            note = AuditNote(
                event="lease-ended", address=f"lease/{manager}", reason=BY_HAND, detail=detail
            )
            self.state.append(note, at=now, actor=actor)
            return held

    def history(self, address: str) -> tuple[AuditEvent, ...]:
        self._reading("history")
        return self.state.history(address)

    def fingerprint(self) -> None:
        """Nothing is quicker than to read all of it."""
        self._reading("fingerprint")

    def audit_head(self) -> tuple[int, str]:
        self._reading("audit_head")
        return len(self.state.events), self.state.head

    def event_hash(self, sequence: int) -> str | None:
        self._reading("event_hash")
        return next((e.hash for e in self.state.events if e.sequence == sequence), None)

    def ended_versions(self, since: datetime) -> tuple[EndedVersion, ...]:
        self._reading("ended_versions")
        state = self.state
        found = [
            EndedVersion(
                version_id=s.version.version_id,
                why=EndedFor.LEAK if s.version.leaked else EndedFor.REMOVAL,
                at=s.version.retired_at,
                removed_key=s.key_id if state.is_removed(s.key_id) else None,
            )
            for s in state.versions.values()
            if s.version.retired_at is not None and s.version.retired_at >= since
            if s.version.leaked or state.is_removed(s.key_id)
        ]
        return tuple(sorted(found, key=lambda e: (e.at, e.version_id), reverse=True))

    def events(self) -> Iterator[AuditEvent]:
        self._reading("events")
        return iter(tuple(self.state.events))

    def close(self) -> None:
        self.is_closed = True

    def _own_lease(self, fence: Fence, now: datetime) -> Lease:
        held = self.state.leases.get(fence.manager, (0, None))[1]
        if held is None or held.fence != fence or held.is_free(now):
            raise LeaseLost(f"the lease of {fence.manager} is not ours any more")
        return held

    def _reading(self, method: str) -> None:
        self._troubles.strike(method, after=False)
        self.check()
        self._troubles.strike(method, after=True)

    @contextmanager
    def _changing(self, method: str) -> Iterator[None]:
        """One change at a time, with the trouble that was ordered before or after it."""
        with self._lock:
            self._troubles.strike(method, after=False)
            self.check()
            yield
            self._troubles.strike(method, after=True)
