"""`keyrec doctor`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@format_option("text", "json")
@click.pass_obj
def command(session: Session, *, form: str) -> ExitCode:
    """Check configuration, store, clock, rights, manifests and sink, and say what to do.

    Changes nothing. Exits with 1 where a check fails.
    """
    from reconciler.bootstrap.checkup import checkup
    from reconciler.render.keys import checks_json, checks_text

    results = checkup(session.config)
    session.show(checks_json(results) if form == "json" else checks_text(results, session.style))
    return ExitCode.DONE if all(result.passed for result in results) else ExitCode.ERROR
