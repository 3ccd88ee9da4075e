"""`keyrec adopt`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import name_argument
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@name_argument
@click.option(
    "--out",
    metavar="FILE",
    help="Write the manifest of another's key into this new file; nothing is written over.",
)
@click.pass_obj
def command(session: Session, *, name: str, out: str | None) -> ExitCode:
    """Print what to write into a manifest to take a key or a sink path under management.

    For a key that the store holds for another manager or for nobody: its whole manifest, marked
    with `adopt: true`. For a key of your own that is blocked, because somebody else wrote to its
    path in the sink: the lines that let just that version be written over, once. The path is
    looked at, its value is never shown. Nothing is changed: plan and apply do that.
    """
    from reconciler.bootstrap.taking_over import look_for
    from reconciler.cli.adopting import show_found
    from reconciler.cli.names import find_address

    with session.workplace() as place:
        found = look_for(place, find_address(place.store, name))
    show_found(session, found, out)
    return ExitCode.DONE
