"""`keyrec explain`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@click.option("--ip", metavar="ADDRESS", help="From where the key is used.")
@click.option("--scope", metavar="RESOURCE:LEVEL", help="What it is used for: Webhooks:change.")
@click.option("--environment", metavar="NAME", help="Where it is used: prod.")
@format_option("text", "json")
@click.pass_obj
def command(
    session: Session, *, ip: str | None, scope: str | None, environment: str | None, form: str
) -> ExitCode:
    """Say whether a key would be accepted, and if not, why, and what to do.

    The key is read from stdin, never from the arguments, and never shown. At a terminal it is
    asked for without being echoed. Exits with 2 where the key is denied.
    """
    from reconciler.cli.presenting import Use, explained, read_secret
    from reconciler.credentials.verdict import Allowed
    from reconciler.render.keys import explanation_json, explanation_text

    use = Use.read(ip=ip, scope=scope, environment=environment)
    with session.workplace() as place:
        explanation = explained(place, read_secret(), use)
    if form == "json":
        session.show(explanation_json(explanation))
    else:
        session.show(explanation_text(explanation, session.style))
    return ExitCode.DONE if isinstance(explanation.verdict, Allowed) else ExitCode.CHANGES
