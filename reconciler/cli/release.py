"""`keyrec release`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import name_argument
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@name_argument
@click.pass_obj
def command(session: Session, *, name: str) -> ExitCode:
    """End a hold, also that of a removed key, whose name may be declared again then."""
    from reconciler.cli.names import find_address

    with session.workplace() as place:
        address = find_address(place.store, name)
        place.emergency.release(address)
    session.show(f"{address} is released.")
    return ExitCode.DONE
