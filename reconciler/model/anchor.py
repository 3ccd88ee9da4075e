"""The audit anchor: the end of the chain, kept in the sink where the store's writers do not reach.

A store that was restored from an older copy, cut or written anew does not hold what the anchor
says. The anchor also lists which secrets were ended for a leak or a removal, so that they can be
ended again. It holds no secret.

Compatibility: canonical JSON, format 1; fields are only added. Readers keep what they do not know
out of their judgement, and take a text that is of another format for unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reconciler.model.canonical import Document, canonical_bytes, instant
from reconciler.model.chain import Head

FORMAT = 1
REMEMBERED = timedelta(days=30)
"""How long an ended secret is listed; backups that are older are not restored unnoticed either."""
MOST_ENDED = 4000
"""The newest ones are listed: a value in Vault may be a mebibyte long."""


class EndedFor(StrEnum):
    """Why a secret was ended for good."""

    LEAK = "leak"
    REMOVAL = "removal"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedVersion:
    """A secret that must not live again."""

    version_id: str
    why: EndedFor
    at: datetime
    removed_key: str | None = None
    """The id of its key where that was removed, or replaced by one that was: whatever else of it an
    older copy has alive must not live again either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What the sink remembers of a store."""

    store_id: str
    head: Head
    written_at: datetime
    ended: tuple[EndedVersion, ...] = ()
    """Newest first."""
    is_complete: bool = True
    """Whether all of the last thirty days are listed."""


class AnchorFault(StrEnum):
    """Why a store is not the one that wrote the anchor, or not as it was then."""

    BEHIND = "behind"
    """The store has forgotten events: it was restored from an older copy."""
    REWRITTEN = "rewritten"
    """The store holds another event at the anchor's place."""
    FOREIGN = "foreign"
    """Another store wrote the anchor."""
    UNREADABLE = "unreadable"
    """What stands there is no anchor of a known format."""


def anchor_of(
    store_id: str,
    head: Head,
    *,
    now: datetime,
    ended: Iterable[EndedVersion],
    earlier: Anchor | None = None,
) -> Anchor:
    """Put an anchor together; only the newest ended versions are listed.

    What the earlier anchor lists is listed until its time is over, also where the store does not
    know of it any more: another, older copy of the store may have it alive.
    """
    before = () if earlier is None else earlier.ended
    known = {e.version_id: e for e in (*before, *ended) if e.at >= now - REMEMBERED}
    newest = sorted(known.values(), key=lambda e: (e.at, e.version_id), reverse=True)
    return Anchor(
        store_id=store_id,
        head=head,
        written_at=now,
        ended=tuple(newest[:MOST_ENDED]),
        is_complete=len(newest) <= MOST_ENDED,
    )


def anchor_text(anchor: Anchor) -> str:
    """Write an anchor."""
    document: dict[str, Document] = {
        "format": FORMAT,
        "storeId": anchor.store_id,
        "sequence": anchor.head.sequence,
        "hash": anchor.head.hash,
        "writtenAt": instant(anchor.written_at),
        "ended": [_ended_document(e) for e in anchor.ended],
        "complete": anchor.is_complete,
    }
    return canonical_bytes(document).decode()


def _ended_document(ended: EndedVersion) -> Document:
    document: dict[str, Document] = {
        "versionId": ended.version_id,
        "why": ended.why.value,
        "at": instant(ended.at),
    }
    return document if ended.removed_key is None else {**document, "keyId": ended.removed_key}


def read_anchor(text: str) -> Anchor | None:
    """Read an anchor back; None where the text is none of a known format."""
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            return None
        return Anchor(
            store_id=str(document["storeId"]),
            head=Head(sequence=int(document["sequence"]), hash=str(document["hash"])),
            written_at=_moment(document["writtenAt"]),
            ended=tuple(
                EndedVersion(
                    version_id=str(e["versionId"]),
                    why=EndedFor(e["why"]),
                    at=_moment(e["at"]),
                    removed_key=None if e.get("keyId") is None else str(e["keyId"]),
                )
                for e in document["ended"]
            ),
            is_complete=document["complete"] is True,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _moment(text: str) -> datetime:
    """Read an instant; one without its zone cannot be compared with others."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant of the anchor is aware")
    return moment


def anchor_fault(
    anchor: Anchor | None, *, store_id: str, head: Head, hash_there: str | None
) -> AnchorFault | None:
    """Compare a store with what the sink remembers; None where they agree.

    `hash_there`: of the store's event at the anchor's sequence, None where it has none.
    """
    if anchor is None:
        return AnchorFault.UNREADABLE
    if anchor.store_id != store_id:
        return AnchorFault.FOREIGN
    if anchor.head.sequence > head.sequence:
        return AnchorFault.BEHIND
    return None if hash_there == anchor.head.hash else AnchorFault.REWRITTEN
