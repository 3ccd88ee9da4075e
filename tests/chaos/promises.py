"""The promises of the protocol as questions to what was seen from outside.

Each question gives what breaks it, in words without any secret. Those about the audit chain are in
`chain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from psycopg.rows import DictRow

from tests.chaos.chain import (
    every_change_is_in_the_chain,
    the_chain_is_whole,
    the_sink_remembers_the_chain,
)
from tests.chaos.looking import Rows, Spot
from tests.chaos.repository import OVERLAPS
from tests.chaos.sight import Sight

LENGTHS = {"1m": timedelta(minutes=1), "24h": timedelta(hours=24)}


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
