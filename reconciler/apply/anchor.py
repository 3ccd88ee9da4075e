"""The audit anchor over a run: compared before anything is judged, written at the end.

A store that does not hold what the sink remembers was restored from an older copy, cut, rewritten
or replaced, and keys that were ended may live again: a run stops until a platform admin has
acknowledged it. Trouble with writing the anchor is a warning; the next run writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.apply.outcome import ApplyReport
from reconciler.errors import (
    KeyrecError,
    SinkOutcomeUnknown,
    SinkUnavailable,
    StoreBehindAnchor,
)
from reconciler.model.anchor import (
    REMEMBERED,
    Anchor,
    AnchorFault,
    anchor_fault,
    anchor_of,
    anchor_text,
    read_anchor,
)
from reconciler.model.chain import Head
from reconciler.model.states import ObservedState
from reconciler.ports import CheckAndSetRefused, KeyStore, SecretSink

TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorSeen:
    """What stands at the anchor's place in the sink."""

    version: int
    """0 where nothing was ever written."""
    anchor: Anchor | None
    """None where there is none, or none that can be read."""

    @property
    def is_absent(self) -> bool:
        """Whether nothing stands there."""
        return self.version == 0


def look_at_anchor(sink: SecretSink, observed: ObservedState) -> AnchorSeen:
    """Read the anchor of the sink that the policy pins.

    Raises:
        SinkUnavailable: it is another sink than the pinned one.
        KeyrecError: the sink cannot be asked.
    """
    if sink.identity() != observed.policy.sink.identity:
        raise SinkUnavailable("the sink is not the one that the stored policy pins")
    version, text = sink.read_anchor()
    return AnchorSeen(version=version, anchor=read_anchor(text))


def fault_of(seen: AnchorSeen, store: KeyStore, observed: ObservedState) -> AnchorFault | None:
    """Compare the store with the anchor; None where there is none, or both agree.

    Where the store seems to be behind, its end is read again, after the anchor: another run may
    have written both since the store was observed.
    """
    fault = _fault(seen, store, observed)
    if fault is not AnchorFault.BEHIND:
        return fault
    sequence, head = store.audit_head()
    return _fault(seen, store, replace(observed, audit_sequence=sequence, audit_head=head))


def _fault(seen: AnchorSeen, store: KeyStore, observed: ObservedState) -> AnchorFault | None:
    if seen.is_absent:
        return None
    place = 0 if seen.anchor is None else seen.anchor.head.sequence
    return anchor_fault(
        seen.anchor,
        store_id=observed.store_id,
        head=Head(sequence=observed.audit_sequence, hash=observed.audit_head),
        hash_there=store.event_hash(place),
    )


def head_of(store: KeyStore) -> Head:
    """Read the end of the store's chain."""
    sequence, newest = store.audit_head()
    return Head(sequence=sequence, hash=newest)


def require_agreement(seen: AnchorSeen, store: KeyStore, observed: ObservedState) -> None:
    """Return where the store holds what the sink remembers.

    Raises:
        StoreBehindAnchor: it does not.
    """
    fault = fault_of(seen, store, observed)
    if fault is not None:
        raise StoreBehindAnchor(
            fault_words(fault, seen, observed),
            advice="keyrec audit acknowledge ends again what the anchor lists, then rotates or "
            "accepts; keep the gateway closed until then",
        )


def fault_words(fault: AnchorFault, seen: AnchorSeen, observed: ObservedState) -> str:
    """Say in one sentence what is wrong."""
    there = 0 if seen.anchor is None else seen.anchor.head.sequence
    match fault:
        case AnchorFault.BEHIND:
            return (
                f"the store ends at event {observed.audit_sequence}, but the sink remembers event "
                f"{there}: it was restored from an older copy, and ended keys may live again"
            )
        case AnchorFault.REWRITTEN:
            return (
                f"the store's event {there} is not the one that the sink remembers: it was "
                "restored from an older copy and went on, or its audit chain was rewritten"
            )
        case AnchorFault.FOREIGN:
            return "the sink's audit anchor was written by another store: is this a new store?"
        case AnchorFault.UNREADABLE:
            return (
                "what stands at the sink's audit anchor is no anchor that this program knows, "
                "or somebody has deleted it"
            )


def write_anchor(store: KeyStore, sink: SecretSink, observed: ObservedState) -> None:
    """Let the sink remember the store as it is now; a newer word of another run stands.

    Raises:
        StoreBehindAnchor: the sink remembers something else, and was not written over.
        KeyrecError: the sink or the store could not be used.
    """
    for _ in range(TRIES):
        seen = look_at_anchor(sink, observed)
        now, (sequence, head) = store.now(), store.audit_head()
        if seen.anchor is not None and seen.anchor.head == Head(sequence=sequence, hash=head):
            return
        require_agreement(seen, store, replace(observed, audit_sequence=sequence, audit_head=head))
        ended = store.ended_versions(now - REMEMBERED)
        anchor = anchor_of(
            observed.store_id,
            Head(sequence=sequence, hash=head),
            now=now,
            ended=ended,
            earlier=seen.anchor,
        )
        if put_anchor(sink, anchor, expected=seen.version):
            return
    raise SinkUnavailable("the audit anchor was not written: other runs write it all the time")


def put_anchor(sink: SecretSink, anchor: Anchor, *, expected: int) -> bool:
    """Write an anchor where the place is at `expected`; False where it is not known to stand."""
    try:
        answer = sink.write_anchor(anchor_text(anchor), expected=expected)
    except SinkOutcomeUnknown:
        return False
    return not isinstance(answer, CheckAndSetRefused)


@dataclass(slots=True, kw_only=True)
class AnchorKeeper:
    """The anchor of one run."""

    store: KeyStore
    sink: SecretSink
    observed: ObservedState
    trouble: KeyrecError | None = None
    """Why the anchor could not be read."""
    remembered: int | None = None
    """The last event that the sink was seen to remember; None where it was not asked."""

    @property
    def is_behind(self) -> bool:
        """Whether the sink has yet to be told what the store held when it was observed.

        An earlier run was killed before it wrote the anchor, or a key was stopped without a run.
        """
        return self.remembered is not None and self.remembered < self.observed.audit_sequence

    def compare(self) -> None:
        """Compare before anything is judged; where the sink cannot be asked, no secret is made.

        Raises:
            StoreBehindAnchor: the store does not hold what the sink remembers.
        """
        if self.observed.policy.sink.identity is None:
            return
        try:
            seen = look_at_anchor(self.sink, self.observed)
        except KeyrecError as error:
            self.trouble = error
        else:
            require_agreement(seen, self.store, self.observed)
            self.remembered = 0 if seen.anchor is None else seen.anchor.head.sequence

    def remember(self, report: ApplyReport) -> ApplyReport:
        """Write the anchor where it does not hold the store's end; the report with its troubles."""
        if report.audit_sequence <= self.observed.audit_sequence and not self.is_behind:
            return report
        return replace(report, warnings=(*report.warnings, *self._written()))

    def _written(self) -> tuple[str, ...]:
        if self.observed.policy.sink.identity is None:
            return ()
        if self.trouble is not None:
            return (f"the audit anchor could not be compared: {self.trouble.message}",)
        try:
            write_anchor(self.store, self.sink, self.observed)
        except KeyrecError as error:
            return (f"the audit anchor was not written: {error.message}",)
        return ()
