"""`keyrec explain`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--id",
    "version_id",
    metavar="ID",
    allow_from_autoenv=False,
    help="Explain the secret of this version id, as logs show it: 12 characters.",
)
@click.option(
    "--last",
    metavar="CHARS",
    allow_from_autoenv=False,
    help="Explain the secret with these last characters.",
)
@click.option("--ip", metavar="ADDRESS", help="From where the key is used.")
@click.option("--scope", metavar="RESOURCE:LEVEL", help="What it is used for: Webhooks:change.")
@click.option("--environment", metavar="NAME", help="Where it is used: prod.")
@format_option("text", "json")
@click.pass_obj
def command(
    session: Session,
    *,
    name: str | None,
    version_id: str | None,
    last: str | None,
    ip: str | None,
    scope: str | None,
    environment: str | None,
    form: str,
) -> ExitCode:
    """Say why a key does not work, row by row of the table of common issues, and what to do.

    The key is read from stdin, never from the arguments, and never shown. At a terminal it is
    asked for without being echoed. Without the key, NAME (its current secret), --id or --last say
    which one is meant; all is then checked but the copied value. Exits with 2 where it is denied.
    """
    from reconciler.cli.presenting import Named, Use, explained
    from reconciler.credentials.verdict import Allowed
    from reconciler.render.explanation import explanation_json, explanation_text

    named = Named.read(name=name, version_id=version_id, last=last)
    use = Use.read(ip=ip, scope=scope, environment=environment)
    with session.workplace() as place:
        explanation = explained(place, named, use)
    if form == "json":
        session.show(explanation_json(explanation))
    else:
        session.show(explanation_text(explanation, session.style))
    return ExitCode.DONE if isinstance(explanation.verdict, Allowed) else ExitCode.CHANGES
