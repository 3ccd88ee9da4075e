"""P8 as questions: the audit chain is whole, tells of everything, and is what the sink remembers.

The canonical form of an event is written out here once more, so that it is held by two hands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timezone

from psycopg.rows import DictRow

from tests.chaos.sight import Sight


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
