"""`keyrec show`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import PLAN_FORMS, format_option
from reconciler.cli.session import Session
from reconciler.errors import ExitCode, UsageError


@click.command(cls=KeyrecCommand)
@click.argument("files", metavar="FILE [NEW]", nargs=-1, required=True)
@format_option(*PLAN_FORMS)
@click.pass_obj
def command(session: Session, *, files: tuple[str, ...], form: str) -> ExitCode:
    """Show a saved plan, or how NEW differs from FILE.

    Reads only these files; needs no configuration.
    """
    from reconciler.cli.plans import saved_plan, show_plan
    from reconciler.render.text import plan_difference_text

    match files:
        case (file,):
            show_plan(session, saved_plan(file), form)
        case (old, new) if form == "text":
            session.show(plan_difference_text(saved_plan(old), saved_plan(new), session.style))
        case (_, _):
            raise UsageError("The difference of two plans is text.", advice="Leave --format away.")
        case _:
            raise UsageError("Show takes one plan or two.", advice="See keyrec show --help.")
    return ExitCode.DONE
