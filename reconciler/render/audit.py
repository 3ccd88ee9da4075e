"""Whether the audit chain is whole, for people and programs; and what a restored store has lost."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.apply.auditing import Verification
from reconciler.apply.disagreement import Disagreement
from reconciler.model.anchor import AnchorFault
from reconciler.model.canonical import instant
from reconciler.model.chain import ChainFault, FaultKind, Head
from reconciler.model.moments import moment
from reconciler.render.json_form import FORMAT_VERSION, json_text
from reconciler.render.style import Style, Tint, escape, joined
from reconciler.render.words import counted

_FAULTS = {
    FaultKind.CHANGED: "event {n} was changed: its content does not fit its hash",
    FaultKind.REMOVED: "event {n} is missing",
    FaultKind.INSERTED: "event {n} is one too many: it was put in, and the chain does not know it",
    FaultKind.REORDERED: "event {n} stands in another place than it was written for",
    FaultKind.CUT: "the chain was cut: event {n} and what followed it are missing",
    FaultKind.REWRITTEN: "what stands up to event {n} was written anew",
    FaultKind.BEHIND: "event {n}, which was kept elsewhere, is not there: "
    "the chain was cut, or the store restored from an older copy",
    FaultKind.DAMAGED: "event {n} cannot be read",
}
_ANCHORS = {
    AnchorFault.BEHIND: "the sink remembers a later event: the store was restored or cut",
    AnchorFault.REWRITTEN: "the sink remembers another event at this place: "
    "the chain was written anew, or the store restored and used",
    AnchorFault.FOREIGN: "the sink's anchor was written by another store",
    AnchorFault.UNREADABLE: "what stands at the sink's anchor is no anchor",
}
_SHORT = 12


def verification_text(found: Verification, style: Style) -> str:
    """Show what was found."""
    return joined(_verification_lines(found, style))


def _verification_lines(found: Verification, style: Style) -> Iterator[str]:
    if found.fault is None:
        events = counted(found.head.sequence, "event", "events")
        yield f"{style.paint('Whole.', Tint.GREEN)} {events}, each bound to the one before it."
    else:
        yield f"{style.paint('Broken.', Tint.RED)} {fault_words(found.fault)}."
    yield f"  head    {_head(found.head)}"
    yield f"  anchor  {_anchor(found)}"


def fault_words(fault: ChainFault) -> str:
    """Say what is wrong, and where."""
    return _FAULTS[fault.kind].format(n=fault.sequence)


def _anchor(found: Verification) -> str:
    if found.anchor_trouble:
        return f"could not be compared: {escape(found.anchor_trouble)}"
    if not found.is_compared:
        return "was not asked for"
    there = "none" if found.anchor is None else _head(found.anchor)
    if found.anchor_fault is not None:
        return f"{there}: {_ANCHORS[found.anchor_fault]}"
    return "none yet; the next apply writes it" if found.anchor is None else f"{there}, as it was"


def _head(head: Head) -> str:
    return f"{head.sequence} sha256:{head.hash[:_SHORT]}…"


def verification_json(found: Verification) -> str:
    """Give what was found as JSON; `fault` and `anchor` are null where there is none."""
    fault = found.fault
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "whole": found.is_whole,
            "head": _head_document(found.head),
            "fault": None
            if fault is None
            else {
                "kind": fault.kind.value,
                "sequence": fault.sequence,
                "message": fault_words(fault),
            },
            "anchor": {
                "compared": found.is_compared,
                "head": None if found.anchor is None else _head_document(found.anchor),
                "fault": None if found.anchor_fault is None else found.anchor_fault.value,
                "trouble": found.anchor_trouble,
            },
        }
    )


def _head_document(head: Head) -> dict[str, object]:
    return {"sequence": head.sequence, "hash": head.hash}


def disagreement_text(found: Disagreement, style: Style) -> str:
    """Show what the sink remembers against what the store holds."""
    return joined(_disagreement_lines(found, style))


def _disagreement_lines(found: Disagreement, style: Style) -> Iterator[str]:
    yield f"{style.paint('The store and the sink disagree:', Tint.YELLOW)} {escape(found.words)}."
    anchor = found.seen.anchor
    if anchor is not None:
        yield f"  the anchor is of {moment(anchor.written_at)}, event {anchor.head.sequence}"
        if not anchor.is_complete:
            yield "  it lists only the newest ended secrets: look for others in backups and logs"
    yield f"  secrets that were ended and live again, to be ended first: {len(found.to_end)}"
    for version in found.to_end:
        yield f"    {escape(version.version_id)}  {version.why.value}  {instant(version.at)}"
    yield f"  keys of this repository: {found.keys}"
