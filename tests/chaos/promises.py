"""The promises of the protocol as questions to what was seen from outside.

Each question gives what breaks it, in words without any secret. `Memory` holds what earlier looks
saw, for promises that are about time: retired is final, what was confirmed stays confirmed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from psycopg.rows import DictRow

from tests.chaos.looking import Consumers, Rows, Spot, Value
from tests.chaos.repository import OVERLAPS

LENGTHS = {"1m": timedelta(minutes=1), "24h": timedelta(hours=24)}
GENESIS = "0" * 64


@dataclass
class Memory:
    """What earlier looks saw."""

    proven: dict[str, str] = field(default_factory=dict)
    """Version ids with the hash that their value was verified against."""
    presented: int = 0
    done: dict[str, object] = field(default_factory=dict)
    """What was final."""
    excused: set[str] = field(default_factory=set)
    """Versions whose deadline the campaign itself has moved."""
    sequence: int = 0
    head: str = GENESIS
    hashes: dict[int, str] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    """How many events of each name the chain holds."""
    requests: int = 0
    """How many rotations a person has asked for."""


@dataclass(frozen=True)
class Sight:
    """One look."""

    consumers: Consumers
    rows: Rows
    memory: Memory

    def version(self, value: Value) -> DictRow | None:
        """Give the row of a value."""
        return self.rows.versions.get(value.version_id)

    def has_ended(self, row: DictRow) -> bool:
        """Whether the key admits nobody by somebody's will, or the version leaked."""
        key = self.rows.keys[row["key_id"]]
        is_expired = key["expires_at"] is not None and key["expires_at"] <= self.rows.now
        is_stopped = not key["active"] or key["hold_since"] is not None
        return is_stopped or is_expired or key["status"] == "removed" or row["leaked"]

    def is_excused(self, row: DictRow) -> bool:
        """Whether the secret need not work: it has ended, or its deadline was moved."""
        return self.has_ended(row) or row["version_id"] in self.memory.excused

    def is_accepted(self, row: DictRow) -> bool:
        """Whether the version's state admits its secret."""
        if row["state"] == "retiring":
            return row["retire_at"] is None or self.rows.now < row["retire_at"]
        return row["state"] in {"provisional", "current"}

    def is_proven(self, value: Value, row: DictRow) -> bool:
        """Present the value: whether the stored hash is its own."""
        if self.memory.proven.get(value.version_id) == row["secret_hash"]:
            return True
        self.memory.presented += 1
        try:
            PasswordHasher().verify(row["secret_hash"], value.api_key)
        except VerifyMismatchError:
            return False
        self.memory.proven[value.version_id] = row["secret_hash"]
        return True


def latest_values_authenticate(sight: Sight) -> Iterator[str]:
    """P1: the latest value at a key's own path, unless the key admits nobody."""
    own = {
        key["sink_path"]: key
        for key in sight.rows.keys.values()
        if key["status"] == "live" and not _is_closed(key, sight.rows.now)
    }
    for path, number in sight.consumers.latest.items():
        value = sight.consumers.values.get((path, number))
        row = None if value is None else sight.version(value)
        if path not in own or value is None or row is None or sight.has_ended(row):
            continue
        if own[path]["key_id"] in sight.rows.family(row["key_id"]) and not sight.is_accepted(row):
            yield f"{path} {number}: its latest value, version {value.version_id}, is {row['state']}"


def _is_closed(key: DictRow, now: datetime) -> bool:
    is_expired = key["expires_at"] is not None and key["expires_at"] <= now
    return not key["active"] or key["hold_since"] is not None or is_expired


def values_work_until_their_overlap_has_passed(sight: Sight) -> Iterator[str]:
    """P1, P2: whatever was once the latest has a row, its hash, and is accepted long enough."""
    for (path, number), value in sight.consumers.values.items():
        row = sight.version(value)
        if row is None:
            yield f"{path} {number}: no version {value.version_id} was ever committed"
        elif not sight.is_proven(value, row):
            yield f"{path} {number}: the hash of {value.version_id} is of another secret"
        elif not sight.is_accepted(row) and not sight.is_excused(row):
            yield from _ended_early(sight, row)


def _ended_early(sight: Sight, row: DictRow) -> Iterator[str]:
    """Say whether a version that is not accepted any more ended before its time."""
    version_id, due = row["version_id"], _earliest_end(sight, row)
    if due is None:
        yield f"{row['sink_path']}: {version_id} has ended, and nothing has replaced it"
        return
    end = row["retire_at"] or row["overlap_until"]
    if end is None or end < due:
        yield f"{row['sink_path']}: {version_id} ends {end}, before {due}"
    elif sight.rows.now < end:
        yield f"{row['sink_path']}: {version_id} is {row['state']} before {end}"


def _earliest_end(sight: Sight, row: DictRow) -> datetime | None:
    """Give when a version may end at the earliest; None where no successor was confirmed."""
    family = sight.rows.family(row["key_id"])
    successors: list[datetime] = [
        other["confirmed_at"]
        for key_id in family
        for other in sight.rows.versions_of[key_id]
        if other["version_id"] != row["version_id"]
        and other["confirmed_at"] is not None
        and other["created_at"] >= row["created_at"]
    ]
    if not successors:
        return None
    key = sight.rows.keys[row["key_id"]]
    due = min(successors) + LENGTHS[OVERLAPS[key["name"].partition("-")[0]]]
    expires_at: datetime | None = key["expires_at"]
    return due if expires_at is None else min(due, expires_at)


def current_secrets_are_in_the_sink(sight: Sight) -> Iterator[str]:
    """P3: a current version's secret stands at exactly its recorded sink version."""
    for row in sight.rows.versions.values():
        if row["state"] != "current":
            continue
        spot: Spot = (row["sink_path"], row["sink_version"])
        value = sight.consumers.values.get(spot)
        if value is None or spot in sight.consumers.destroyed:
            yield f"{spot}: the current version {row['version_id']} is not there"
        elif value.version_id != row["version_id"] or not sight.is_proven(value, row):
            yield f"{spot}: holds {value.version_id}, not the current {row['version_id']}"


def nothing_was_sent_without_an_attempt(sight: Sight) -> Iterator[str]:
    """P6: every value in the sink was promised to exactly that number before it was sent."""
    promised = {(a["sink_path"], a["expected"] + 1, a["version_id"]) for a in sight.rows.attempts}
    for (path, number), value in sight.consumers.values.items():
        if (path, number, value.version_id) not in promised:
            yield f"{path} {number}: {value.version_id} was written without an attempt"


def what_was_done_stays_done(sight: Sight) -> Iterator[str]:
    """P5, P7: retired is final, removed is final, confirmed stays confirmed, closed stays closed."""
    now = _done(sight.rows)
    for what, state in sight.memory.done.items():
        if now.get(what) != state:
            yield f"{what} was {state}, and is {now.get(what)}"
    sight.memory.done = now


def _done(rows: Rows) -> dict[str, object]:
    """Give all that is final, by its name."""
    versions, keys = rows.versions.values(), rows.keys.values()
    operations = rows.operations.values()
    return {
        **{f"version {v['version_id']}": "retired" for v in versions if v["state"] == "retired"},
        **{
            f"confirming {v['version_id']}": v["confirmed_at"]
            for v in versions
            if v["confirmed_at"]
        },
        **{f"key {k['key_id']}": "removed" for k in keys if k["status"] == "removed"},
        **{
            f"operation {o['operation_id']}": o["state"] for o in operations if o["state"] != "open"
        },
    }


def nothing_is_done_twice(sight: Sight) -> Iterator[str]:
    """P5, P6: a declared generation is rotated to once; a person's wish is fulfilled once."""
    seen: set[tuple[str, int]] = set()
    requested = 0
    for operation in sight.rows.operations.values():
        if operation["state"] != "confirmed" or operation["kind"] != "rotate":
            continue
        requested += operation["reason"] == "requested"
        if operation["reason"] == "generation-raised":
            done = (operation["key_id"], operation["generation"])
            if done in seen:
                yield f"{done} was rotated to twice"
            seen.add(done)
    if requested > sight.memory.requests:
        yield f"{requested} requested rotations, but {sight.memory.requests} were asked for"


def ended_keys_admit_nobody(sight: Sight) -> Iterator[str]:
    """P7: nothing of a removed key or of a leaked version is accepted, whatever lands later."""
    for row in sight.rows.versions.values():
        is_removed = sight.rows.keys[row["key_id"]]["status"] == "removed"
        if (is_removed or row["leaked"]) and row["state"] != "retired":
            yield f"{row['version_id']} of an ended key is {row['state']}"


def no_living_copy_is_destroyed(sight: Sight) -> Iterator[str]:
    """P1, P2: only a retired version's copy is destroyed."""
    written = {(a["sink_path"], a["expected"] + 1): a["version_id"] for a in sight.rows.attempts}
    for spot in sight.consumers.destroyed:
        value = sight.consumers.values.get(spot)
        version_id = written.get(spot) if value is None else value.version_id
        row = sight.rows.versions.get(version_id or "")
        if row is not None and sight.is_accepted(row) and not sight.has_ended(row):
            yield f"{spot}: the copy of {version_id}, which is {row['state']}, is destroyed"


def the_chain_is_whole(sight: Sight) -> Iterator[str]:
    """P8: gapless, bound by hashes, its head on record, with an actor for everything."""
    memory = sight.memory
    for event in sight.rows.events:
        if event["sequence"] != memory.sequence + 1 or event["previous_hash"] != memory.head:
            yield f"event {event['sequence']} does not follow {memory.sequence}"
        if event["hash"] != _event_hash(event) or not event["actor"]:
            yield f"event {event['sequence']} is not what its hash says, or nobody's"
        memory.sequence, memory.head = event["sequence"], event["hash"]
        memory.hashes[event["sequence"]] = event["hash"]
        begins = event["event"] in _BEGUN and '"versionId"' in event["detail"]
        memory.told["begun" if begins else event["event"]] += 1
    if sight.rows.head != (memory.sequence, memory.head):
        yield f"the head says {sight.rows.head[0]}, the chain ends at {memory.sequence}"


def the_sink_remembers_the_chain(sight: Sight) -> Iterator[str]:
    """P8: what the sink remembers is an event of the chain, by its number and its hash."""
    sequence, remembered = sight.consumers.anchor
    if sequence and sight.memory.hashes.get(sequence) != remembered:
        yield f"the anchor names event {sequence}, which the chain does not hold like that"


def _event_hash(event: DictRow) -> str:
    at = event["at"].astimezone(timezone.utc)
    document = {
        "schema": 1,
        "sequence": event["sequence"],
        "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": event["actor"],
        "revision": event["revision"],
        "planDigest": event["plan_digest"],
        "runId": event["run_id"],
        "event": event["event"],
        "address": event["address"],
        "reason": event["reason"],
        "source": _place(event["source"]),
        "detail": dict(json.loads(event["detail"])),
        "previousHash": event["previous_hash"],
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _place(source: str | None) -> str | None:
    """Write a place in a manifest as its event does."""
    if source is None:
        return None
    file, line, column, _ = json.loads(source)
    return f"{file}:{line}:{column}"


def every_change_is_in_the_chain(sight: Sight) -> Iterator[str]:
    """P8: as much is told as was done: secrets begun and confirmed, keys removed."""
    versions, told = sight.rows.versions.values(), sight.memory.told
    done = {
        "begun": len(versions),
        "secret-confirmed": sum(v["confirmed_at"] is not None for v in versions),
        "key-removed": sum(k["status"] == "removed" for k in sight.rows.keys.values()),
    }
    for name, count in done.items():
        if told[name] != count:
            yield f"{count} times {name}, but the chain tells of {told[name]}"


_BEGUN = ("key-created", "rotation-begun", "key-reissued", "key-renamed", "secret-resumed")

PROMISES: tuple[tuple[str, Callable[[Sight], Iterator[str]]], ...] = (
    ("P1", latest_values_authenticate),
    ("P2", values_work_until_their_overlap_has_passed),
    ("P3", current_secrets_are_in_the_sink),
    ("P5", what_was_done_stays_done),
    ("P5", nothing_is_done_twice),
    ("P6", nothing_was_sent_without_an_attempt),
    ("P7", ended_keys_admit_nobody),
    ("P2", no_living_copy_is_destroyed),
    ("P8", the_chain_is_whole),
    ("P8", the_sink_remembers_the_chain),
    ("P8", every_change_is_in_the_chain),
)
