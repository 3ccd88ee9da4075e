"""`keyrec history`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option, name_argument
from reconciler.cli.session import Session
from reconciler.errors import ExitCode, NotFound


@click.command(cls=KeyrecCommand)
@name_argument
@format_option("text", "json")
@click.pass_obj
def command(session: Session, *, name: str, form: str) -> ExitCode:
    """Show what happened to a key, from the audit chain: who, when, why, from which commit.

    NAME is a key, also a removed one by its full `workspace/name`, or the address of something
    else, such as `policy/default`.
    """
    from reconciler.cli.names import find_address
    from reconciler.render.keys import history_json, history_text

    with session.workplace() as place:
        address = name if "/" in name else str(find_address(place.store, name))
        events = place.store.history(address)
    if not events:
        raise NotFound(
            f"The audit chain says nothing about {address}.",
            advice="`keyrec status` lists the keys; a removed key wants its full workspace/name.",
        )
    if form == "json":
        session.show(history_json(events))
    else:
        session.show(history_text(events, session.style))
    return ExitCode.DONE
