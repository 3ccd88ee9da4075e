"""Audit events for people and programs, oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from reconciler.model.audit import AuditEvent, event_document
from reconciler.model.moments import moment
from reconciler.render.json_form import FORMAT_VERSION, json_text
from reconciler.render.style import Style, Tint, escape, joined
from reconciler.render.words import SHORT_COMMIT


def history_text(events: Sequence[AuditEvent], style: Style) -> str:
    """Show what happened, one event after the other."""
    if not events:
        return joined(["No events."])
    return joined(line for event in events for line in _event_lines(event, style))


def _event_lines(event: AuditEvent, style: Style) -> Iterator[str]:
    note = event.note
    if event.is_damaged:
        what = style.paint("damaged", Tint.RED, Tint.BOLD)
        yield f"#{event.sequence}  {what}  {escape(note.address)}"
        yield "    somebody has changed its row; keyrec audit verify names the first bad event"
        return
    name = style.paint(escape(note.event), Tint.BOLD)
    head = f"{moment(event.at)}  #{event.sequence}  {name}  {escape(note.address)}"
    yield f"{head}  by {escape(event.actor)}"
    because = ", ".join(_because(event))
    if because:
        yield f"    {because}"
    if note.detail:
        yield f"    {', '.join(f'{escape(k)}: {escape(v)}' for k, v in note.detail)}"


def _because(event: AuditEvent) -> Iterator[str]:
    """Say why and from where, as far as the event knows."""
    note = event.note
    if note.reason:
        yield f"reason {escape(note.reason)}"
    if note.source is not None:
        yield f"manifest {escape(str(note.source))}"
    if event.revision is not None:
        yield f"commit {escape(event.revision[:SHORT_COMMIT])}"


def history_json(events: Sequence[AuditEvent]) -> str:
    """Give events as JSON, each with its hash and the one before it."""
    documents = [_event_json(event) for event in events]
    return json_text({"format_version": FORMAT_VERSION, "events": documents})


def _event_json(event: AuditEvent) -> dict[str, object]:
    if event.is_damaged:
        return {"sequence": event.sequence, "address": event.note.address, "damaged": True}
    document = cast("dict[str, object]", event_document(event))
    return {**document, "hash": event.hash}
