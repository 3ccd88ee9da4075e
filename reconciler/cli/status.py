"""`keyrec status`."""

from __future__ import annotations

from datetime import timedelta

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option, read_duration
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@click.option(
    "--expiring",
    callback=read_duration,
    metavar="TIME",
    help="Only keys that expire within TIME or have expired; exits with 2 where there are any.",
)
@click.option(
    "--rotation-due",
    is_flag=True,
    help="Only keys that are due for a new secret; exits with 2 where there are any.",
)
@format_option("text", "json")
@click.pass_obj
def command(
    session: Session, *, expiring: timedelta | None, rotation_due: bool, form: str
) -> ExitCode:
    """Show the keys of this repository as the store holds them.

    LAST USED is what verifiers report: never, or unknown where none ever has. A key that is
    inactive is in no answer to --expiring; one that is on hold is.
    """
    from reconciler.cli.questions import KeyQuestion, asked_keys
    from reconciler.render.key_uses import Seen
    from reconciler.render.keys import status_json, status_text

    with session.workplace() as place:
        observed = place.observe()
    question = KeyQuestion(expiring=expiring, rotation_due=rotation_due)
    concerns = asked_keys(observed, question)
    records = [observed.live[address] for address in concerns]
    now = observed.read_at
    seen = Seen(until=observed.uses_until, since=observed.uses_since)
    if form == "json":
        session.show(status_json(records, now, seen=seen, concerns=concerns))
    else:
        session.show(status_text(records, now, session.style, seen=seen, concerns=concerns))
    return ExitCode.CHANGES if records and question.is_asked else ExitCode.DONE
