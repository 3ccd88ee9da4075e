"""Who holds the lease, and since when. Whether a run may take it is decided by the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.canonical import instant
from reconciler.model.journal import Lease
from reconciler.model.moments import distance, moment
from reconciler.render.json_form import FORMAT_VERSION, json_text
from reconciler.render.style import Style, Tint, escape, joined


def lock_text(lease: Lease | None, now: datetime, style: Style) -> str:
    """Show who holds the lock, or that nobody does."""
    return joined(_lock_lines(lease, now, style))


def _lock_lines(lease: Lease | None, now: datetime, style: Style) -> Iterator[str]:
    if lease is None:
        yield f"{style.paint('Free.', Tint.GREEN)} No run holds the lock."
        return
    if lease.is_free(now):
        ran_out = f"it ran out {distance(lease.expires_at, now)}; the next run takes over"
        yield f"{style.paint('Free.', Tint.GREEN)} The last holder did not give it back: {ran_out}."
    else:
        yield f"{style.paint('Held.', Tint.YELLOW)} A run is under way, or ended within this time."
    yield f"  holder   {escape(lease.holder)}"
    yield f"  manager  {escape(lease.manager)}"
    yield f"  since    {moment(lease.acquired_at)} ({distance(lease.acquired_at, now)})"
    yield f"  until    {moment(lease.expires_at)}, unless it is renewed"
    yield f"  run      {escape(lease.run_id)}, epoch {lease.epoch}"


def lock_json(lease: Lease | None, now: datetime) -> str:
    """Give the lease as JSON; `lease` is null where there is none."""
    held = lease is not None and not lease.is_free(now)
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "held": held,
            "lease": None if lease is None else _lease_document(lease),
        }
    )


def _lease_document(lease: Lease) -> dict[str, object]:
    return {
        "manager": lease.manager,
        "holder": lease.holder,
        "run_id": lease.run_id,
        "epoch": lease.epoch,
        "acquired_at": instant(lease.acquired_at),
        "expires_at": instant(lease.expires_at),
    }
