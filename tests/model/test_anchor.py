"""What the sink remembers of a store: its bytes, and what is read from them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.model.anchor import (
    MOST_ENDED,
    Anchor,
    AnchorFault,
    EndedFor,
    EndedVersion,
    anchor_fault,
    anchor_of,
    anchor_text,
    read_anchor,
)
from reconciler.model.chain import Head
from tests.fakes.system import START

HEAD = Head(sequence=7, hash="a" * 64)
LEAKED = EndedVersion(version_id="0123456789ab", why=EndedFor.LEAK, at=START)
REMOVED = EndedVersion(
    version_id="ba9876543210", why=EndedFor.REMOVAL, at=START + timedelta(hours=1)
)
ANCHOR = anchor_of("store-1", HEAD, now=START, ended=[LEAKED, REMOVED])
TEXT = (
    '{"complete":true,"ended":['
    '{"at":"2026-11-24T13:00:00.000000Z","versionId":"ba9876543210","why":"removal"},'
    '{"at":"2026-11-24T12:00:00.000000Z","versionId":"0123456789ab","why":"leak"}],'
    f'"format":1,"hash":"{"a" * 64}","sequence":7,"storeId":"store-1",'
    '"writtenAt":"2026-11-24T12:00:00.000000Z"}'
)


def test_the_bytes_of_an_anchor_are_pinned() -> None:
    """Other versions of the program read it."""
    assert anchor_text(ANCHOR) == TEXT
    assert read_anchor(TEXT) == ANCHOR


def test_an_anchor_is_bounded_and_says_so() -> None:
    """The newest ended secrets are listed; a sink's value may not grow for ever."""
    many = [
        EndedVersion(version_id=f"{n:012}", why=EndedFor.LEAK, at=START + timedelta(seconds=n))
        for n in range(MOST_ENDED + 1)
    ]
    anchor = anchor_of("store-1", HEAD, now=START, ended=many)
    assert (len(anchor.ended), anchor.is_complete) == (MOST_ENDED, False)
    assert many[0] not in anchor.ended
    assert len(anchor_text(anchor)) < 2**19
    assert read_anchor(anchor_text(anchor)) == anchor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '{"format":2}',
        TEXT.replace("leak", "whim"),
        TEXT.replace("13:00:00.000000Z", "13:00:00"),
        "[" * 5000,
    ],
)
def test_what_is_no_anchor_of_this_format_is_not_read(text: str) -> None:
    """Somebody else's value, a newer program's, a damaged one."""
    assert read_anchor(text) is None


def compared(anchor: Anchor | None, **changes: object) -> AnchorFault | None:
    """Compare the store that wrote the anchor, with changes."""
    store = {"store_id": "store-1", "head": HEAD, "hash_there": HEAD.hash, **changes}
    return anchor_fault(anchor, **store)  # type: ignore[arg-type]  # by name


def test_a_store_that_went_on_agrees_with_its_anchor() -> None:
    """It holds the event that the sink remembers."""
    assert compared(ANCHOR) is None
    assert compared(ANCHOR, head=Head(sequence=9, hash="b" * 64)) is None


def test_a_store_that_forgot_or_changed_something_does_not() -> None:
    """Restored, rewritten, another one, or something else stands there."""
    assert compared(ANCHOR, head=Head(sequence=6, hash="b" * 64)) is AnchorFault.BEHIND
    assert compared(ANCHOR, hash_there="b" * 64) is AnchorFault.REWRITTEN
    assert compared(ANCHOR, hash_there=None) is AnchorFault.REWRITTEN
    assert compared(ANCHOR, store_id="store-2") is AnchorFault.FOREIGN
    assert compared(None) is AnchorFault.UNREADABLE
