"""`keyrec hold`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import name_argument
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@name_argument
@click.option(
    "--reason",
    required=True,
    metavar="TEXT",
    allow_from_autoenv=False,
    help="Why; it stands in the audit chain and wherever the key is shown.",
)
@click.pass_obj
def command(session: Session, *, name: str, reason: str) -> ExitCode:
    """Stop a key at once, until it is released.

    Needs the store alone: no sink, no lease, no manifest. The next apply respects it.
    """
    from reconciler.cli.names import find_address, refuse_token

    refuse_token(reason)
    with session.workplace() as place:
        address = find_address(place.store, name)
        place.emergency.hold(address, reason)
    session.show(f"{address} is on hold: no secret of it is accepted.")
    session.say(f"End it with: keyrec release {address}")
    return ExitCode.DONE
