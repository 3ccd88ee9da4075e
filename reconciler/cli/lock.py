"""`keyrec lock`."""

from __future__ import annotations

import click

from reconciler.cli.group import CommandFamily, KeyrecCommand
from reconciler.cli.options import format_option
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.group(cls=CommandFamily)
def command() -> None:
    """Show or end the lease that one run at a time holds."""


@command.command(cls=KeyrecCommand)
@format_option("text", "json")
@click.pass_obj
def status(session: Session, *, form: str) -> ExitCode:
    """Show who holds the lease, and since when."""
    from reconciler.render.keys import lock_json, lock_text

    with session.workplace() as place:
        lease, now = place.store.lease(place.settings.manager), place.store.now()
    if form == "json":
        session.show(lock_json(lease, now))
    else:
        session.show(lock_text(lease, now, session.style))
    return ExitCode.DONE


@command.command(cls=KeyrecCommand)
@click.pass_obj
def release(session: Session) -> ExitCode:
    """End the lease, whoever holds it; only a platform admin may, and it is audited.

    Safe at any time: a run without its lease can commit nothing, and so sends nothing new.
    """
    from reconciler.render.style import escape

    with session.workplace() as place:
        lease = place.end_lease()
    if lease is None:
        session.show("No run holds the lease.")
    else:
        session.show(f"The lease of {escape(lease.holder)} is ended.")
    return ExitCode.DONE
