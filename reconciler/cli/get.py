"""`keyrec get`."""

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
    """Show one key with everything that the store knows: fields, versions, next rotation.

    NAME is `workspace/name`, or the name alone where only one workspace has it. The secret is in
    the sink, at the path that is shown, and nowhere else.
    """
    from reconciler.cli.names import find_address
    from reconciler.render.keys import key_json, key_text

    with session.workplace() as place:
        address = find_address(place.store, name)
        records = place.store.find(address)
        now = place.store.now()
    if not records:
        raise NotFound(f"There is no key {address}.", advice="`keyrec status` lists the keys.")
    if form == "json":
        session.show(key_json(records[0], now))
    else:
        session.show(key_text(records[0], now, session.style))
    return ExitCode.DONE
