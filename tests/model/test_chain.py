"""Every way to tamper with the audit chain, and what is found of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.audit import GENESIS, AuditEvent, AuditNote, event_hash
from reconciler.model.chain import ChainFault, FaultKind, Head, first_fault
from tests.fakes.system import START

Chain = list[AuditEvent]


def event(number: int, previous: str, word: str = "key-updated") -> AuditEvent:
    """Give an event that is bound to the one before it."""
    made = AuditEvent(
        sequence=number,
        at=START + timedelta(minutes=number),
        actor="local:alice",
        revision=None,
        plan_digest=None,
        run_id=None,
        note=AuditNote(event=word, address=f"payments/{number}", reason="requested"),
        previous_hash=previous,
        hash="",
    )
    return replace(made, hash=event_hash(made))


def chain(length: int, word: str = "key-updated") -> Chain:
    """Give a whole chain."""
    made: Chain = []
    for number in range(1, length + 1):
        made.append(event(number, made[-1].hash if made else GENESIS, word))
    return made


def head(events: Chain) -> Head:
    """Give the end of a chain."""
    return Head(sequence=len(events), hash=events[-1].hash if events else GENESIS)


def renumbered(events: Chain) -> Chain:
    """Give the events with numbers from 1, as a row's key has to be; hashes stay."""
    return [replace(e, sequence=n) for n, e in enumerate(events, start=1)]


def found(events: Chain, stored: Head, *kept: Head) -> tuple[str, int] | None:
    """Give kind and place of the first fault."""
    fault = first_fault(events, stored=stored, kept=kept)
    return None if fault is None else (fault.kind.value, fault.sequence)


WHOLE = chain(6)
OTHER = chain(6, "key-held")
FORGED = event(3, WHOLE[1].hash, "key-released")


def changed(events: Chain) -> Chain:
    """Change what an event says."""
    return [*events[:2], replace(events[2], actor="local:mallory"), *events[3:]]


def changed_with_its_hash(events: Chain) -> Chain:
    """Change an event and compute its own hash anew."""
    return [*events[:2], FORGED, *events[3:]]


def rewritten_from(events: Chain) -> Chain:
    """Change an event and write everything after it anew."""
    made = [*events[:2], FORGED]
    for number in range(4, len(events) + 1):
        made.append(event(number, made[-1].hash))
    return made


TAMPERINGS: dict[str, tuple[Callable[[Chain], Chain], tuple[str, int]]] = {
    "an event is changed": (changed, ("changed", 3)),
    "an event is changed with its hash": (changed_with_its_hash, ("rewritten", 4)),
    "an event is taken out": (lambda c: [*c[:2], *c[3:]], ("removed", 3)),
    "an event is taken out and the others renumbered": (
        lambda c: renumbered([*c[:2], *c[3:]]),
        ("removed", 3),
    ),
    "several are taken out and the others renumbered": (
        lambda c: renumbered([*c[:1], *c[3:]]),
        ("removed", 2),
    ),
    "the first is taken out": (lambda c: renumbered(c[1:]), ("removed", 1)),
    "an event is put in and the others renumbered": (
        lambda c: renumbered([*c[:2], FORGED, *c[2:]]),
        ("inserted", 3),
    ),
    "two events are put in and the others renumbered": (
        lambda c: renumbered([*c[:2], FORGED, event(4, FORGED.hash), *c[2:]]),
        ("inserted", 3),
    ),
    "an event is put in with a wrong hash": (
        lambda c: renumbered([*c[:2], replace(FORGED, hash="1" * 64), *c[2:]]),
        ("inserted", 3),
    ),
    "an event is put before the first": (
        lambda c: [replace(c[0], sequence=0), *c],
        ("inserted", 0),
    ),
    "a number is there twice": (lambda c: [*c[:3], c[2], *c[3:]], ("inserted", 3)),
    "an event is damaged": (
        lambda c: [*c[:2], replace(c[2], is_damaged=True), *c[3:]],
        ("damaged", 3),
    ),
    "an event is damaged in its number": (
        lambda c: [replace(c[0], sequence=0, is_damaged=True), *c[1:]],
        ("damaged", 1),
    ),
    "an event is taken out before a damaged one": (
        lambda c: [c[0], replace(c[2], is_damaged=True), *c[3:]],
        ("removed", 2),
    ),
    "an event is put in at the end": (
        lambda c: [*c, event(7, c[-1].hash)],
        ("inserted", 7),
    ),
    "two events change places": (
        lambda c: renumbered([*c[:2], c[3], c[2], *c[4:]]),
        ("reordered", 3),
    ),
    "two far events change places": (
        lambda c: renumbered([c[0], c[4], c[2], c[3], c[1], c[5]]),
        ("reordered", 2),
    ),
    "the end is cut": (lambda c: c[:4], ("cut", 5)),
    "everything is cut": (lambda _: [], ("cut", 1)),
    "everything from an event on is written anew": (rewritten_from, ("rewritten", 6)),
    "the whole chain is written anew": (lambda _: OTHER, ("rewritten", 6)),
}


def test_a_whole_chain_has_no_fault() -> None:
    """Nor has an empty one, nor one whose heads were kept elsewhere."""
    assert found(WHOLE, head(WHOLE)) is None
    assert found([], head([])) is None
    kept = [Head(sequence=e.sequence, hash=e.hash) for e in WHOLE]
    assert found(WHOLE, head(WHOLE), *kept) is None


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_with_the_events_is_found_and_named(name: str) -> None:
    """With the stored head as it was: the first bad event, and what was done."""
    tamper, expected = TAMPERINGS[name]
    assert found(tamper(WHOLE), head(WHOLE)) == expected


NEEDS_A_KEPT_HEAD: dict[str, tuple[Chain, tuple[str, int]]] = {
    "the end is cut, and the stored head with it": (WHOLE[:4], ("behind", 5)),
    "everything from an event on is written anew, with the stored head": (
        rewritten_from(WHOLE),
        ("rewritten", 6),
    ),
    "the whole chain is written anew, with the stored head": (OTHER, ("rewritten", 6)),
}


@pytest.mark.parametrize("name", NEEDS_A_KEPT_HEAD)
def test_some_tampering_is_found_by_a_head_that_was_kept_elsewhere_alone(name: str) -> None:
    """The chain is whole in itself: the anchor, or what an apply printed, tells."""
    events, expected = NEEDS_A_KEPT_HEAD[name]
    assert found(events, head(events)) is None
    assert found(events, head(events), head(WHOLE)) == expected


def test_what_came_to_the_chain_while_it_was_read_is_no_fault() -> None:
    """As far as the store's head, read again, knows of it."""
    before, after = head(WHOLE[:4]), head(WHOLE)
    assert first_fault(WHOLE, stored=before, newest=lambda: after) is None
    assert first_fault(WHOLE, stored=before, newest=lambda: head(WHOLE[:5])) == ChainFault(
        kind=FaultKind.INSERTED, sequence=6
    )
    assert first_fault(WHOLE[:5], stored=before, newest=lambda: after) is None
    assert first_fault(OTHER, stored=before, newest=lambda: head(OTHER)) == ChainFault(
        kind=FaultKind.REWRITTEN, sequence=4
    )


@given(
    length=st.integers(1, 12),
    place=st.integers(0, 11),
    field=st.sampled_from(
        ["at", "actor", "revision", "plan_digest", "run_id", "note", "previous_hash", "hash"]
    ),
)
def test_any_changed_field_of_any_event_is_found(length: int, place: int, field: str) -> None:
    """At the event, or at the one after it."""
    events = chain(length)
    number = place % length
    values = {"at": START, "note": AuditNote(event="x", address="y", reason="requested")}
    other = replace(events[number], **{field: values.get(field, "f" * 64)})  # type: ignore[arg-type]  # by name
    events[number] = other
    fault = first_fault(events, stored=head(chain(length)))
    assert fault is not None
    assert fault.sequence in {number + 1, number + 2}


@given(length=st.integers(1, 12), gone=st.sets(st.integers(0, 11), min_size=1))
def test_any_missing_events_are_found(length: int, gone: set[int]) -> None:
    """Renumbered or not."""
    events = chain(length)
    left = [e for n, e in enumerate(events) if n not in gone]
    if len(left) < length:
        assert first_fault(left, stored=head(events)) is not None
        assert first_fault(renumbered(left), stored=head(events)) is not None


@given(order=st.permutations(list(range(7))))
def test_any_other_order_is_found(order: list[int]) -> None:
    """Renumbered, as rows are."""
    events = chain(7)
    mixed = renumbered([events[n] for n in order])
    assert (first_fault(mixed, stored=head(events)) is None) is (order == sorted(order))
