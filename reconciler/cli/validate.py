"""`keyrec validate`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import format_option
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@format_option("text", "json", "sarif", "github")
@click.pass_obj
def command(session: Session, *, paths: tuple[str, ...], form: str) -> ExitCode:
    """Check manifests offline: every problem of every file in one go.

    Looks at the given files and folders, or at those that keyrec.yaml names. Reaches neither store
    nor sink, so what only they know (a changed expiration, a workspace of the store) is found by
    `keyrec plan`. Exits with 3 where there is a problem.
    """
    from reconciler.bootstrap.offline import validate
    from reconciler.cli.problems import show_problems

    with session.undisturbed():
        checked = validate(session.config, paths)
    show_problems(session, checked.problems, form, valid=checked.sentence)
    return ExitCode.INVALID if checked.problems else ExitCode.DONE
