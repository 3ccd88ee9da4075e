"""`keyrec plan`."""

from __future__ import annotations

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import (
    PLAN_FORMS,
    cache_option,
    detailed_option,
    format_option,
    plan_options,
)
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@click.option(
    "-o", "--out", metavar="FILE", help="Save the plan; `keyrec apply FILE` approves just it."
)
@plan_options
@detailed_option
@click.option(
    "--no-new-access",
    is_flag=True,
    help="Refuse the plan where it gives anybody access that was not there before.",
)
@cache_option
@format_option(*PLAN_FORMS)
@click.pass_obj
def command(
    session: Session,
    *,
    out: str | None,
    revision: str | None,
    target: tuple[str, ...],
    exclude: tuple[str, ...],
    allow_removals: int | None,
    detailed_exitcode: bool,
    no_new_access: bool,
    no_cache: bool,
    form: str,
) -> ExitCode:
    """Show what apply would do.

    Makes no secret, writes nothing to the store, contacts no sink; read-only rights are enough.
    Exits with 3 where manifests are invalid, with 5 where a guard or a finding refuses the plan.
    The form markdown is a comment for a pull request, html one page; sarif, github and gitlab are
    lists of findings for code scanning, a job's log and a merge request.
    """
    from reconciler.bootstrap.wishes import PlanWish
    from reconciler.planning.selection import Selection

    wish = PlanWish(
        revision=revision,
        selection=Selection(targets=target, excludes=exclude),
        allowed_removals=allow_removals,
        no_new_access=no_new_access,
        brief=form == "text" and out is None and not session.verbosity,
        cached=not no_cache,
        shared=True,
    )
    with session.workplace() as place:
        source = place.manifests(revision)
        keeps = wish.brief and wish.cached
        quiet = place.quiet_plans(wish, source, session.style) if keeps else None
        words = None if quiet is None else quiet.recall()
        if words is not None:
            session.show(words)
            return ExitCode.DONE
        from reconciler.cli.plans import save_plan, say_rights, show_plan, verdict

        with session.undisturbed():
            prepared = place.prepare(wish, source)
        plan = prepared.plan
        if out is not None:
            save_plan(plan, out)
        show_plan(session, plan, form, sorted(place.settings.environments or ()))
        say_rights(session, place, prepared)
        if quiet is not None:
            quiet.remember(prepared)
    found = verdict(plan)
    if found is ExitCode.DONE and detailed_exitcode and plan.changes:
        return ExitCode.CHANGES
    return found
