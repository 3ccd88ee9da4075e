"""`keyrec rotate`."""

from __future__ import annotations

from datetime import timedelta

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option, name_argument, run_options
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@name_argument
@click.option(
    "--leaked",
    is_flag=True,
    allow_from_autoenv=False,
    help="End the secret at once, without overlap; NAME may then be a version id.",
)
@run_options
@format_option("text", "json")
@click.pass_obj
def command(
    session: Session,
    *,
    name: str,
    leaked: bool,
    parallelism: int,
    lock_timeout: timedelta,
    form: str,
) -> ExitCode:
    """Give a key a new secret now; the previous one works until its overlap has passed.

    With --leaked every secret of the key is ended first, whatever the manifest says, without
    lease and sink; a version id ends that one secret. The successor takes lease and sink as
    always: where they cannot be had, the next apply makes it.
    """
    from reconciler.bootstrap.wishes import RunTerms
    from reconciler.cli.rotating import Rotating

    terms = RunTerms(parallelism=parallelism, lock_timeout=lock_timeout)
    rotating = Rotating(session=session, form=form, terms=terms)
    with session.workplace() as place:
        return rotating.replace_leaked(place, name) if leaked else rotating.renew(place, name)
