"""`keyrec apply`."""

from __future__ import annotations

from datetime import timedelta

import click

from reconciler.cli.group import KeyrecCommand
from reconciler.cli.options import detailed_option, format_option, plan_options, run_options
from reconciler.cli.session import Session
from reconciler.errors import ExitCode


@click.command(cls=KeyrecCommand)
@click.argument("file", metavar="[FILE]", required=False)
@click.option(
    "--expect-digest",
    metavar="DIGEST",
    help="Approve the plan with this digest, as `keyrec plan` shows it.",
)
@click.option(
    "--auto-approve",
    is_flag=True,
    allow_from_autoenv=False,
    help="Approve whatever the plan is, without asking.",
)
@click.option(
    "--maintenance",
    is_flag=True,
    help="Only what applied manifests already approved: due rotations, deadlines, open work, and "
    "the repair of what was changed in the sink, which is looked at for each key.",
)
@plan_options
@run_options
@detailed_option
@format_option("text", "json")
@click.pass_obj
def command(
    session: Session,
    *,
    file: str | None,
    expect_digest: str | None,
    auto_approve: bool,
    maintenance: bool,
    revision: str | None,
    target: tuple[str, ...],
    exclude: tuple[str, ...],
    allow_removals: int | None,
    parallelism: int,
    lock_timeout: timedelta,
    detailed_exitcode: bool,
    form: str,
) -> ExitCode:
    """Plan again, ask, and do it.

    The plan is always made anew from the manifests. FILE (a saved plan) or a digest is the
    approval: a plan that declares the same is applied with the maintenance that is due, a
    different one is refused with 6 and the difference. Without a terminal and without approval
    nothing is applied (5). Ctrl-C ends cleanly after what is under way; the next run goes on.
    """
    from reconciler.bootstrap.wishes import PlanWish, RunTerms
    from reconciler.cli.applying import Applying, Approval
    from reconciler.planning.selection import Selection

    wish = PlanWish(
        revision=revision,
        selection=Selection(targets=target, excludes=exclude),
        allowed_removals=allow_removals,
        shared=True,
    )
    terms = RunTerms(
        maintenance_only=maintenance, parallelism=parallelism, lock_timeout=lock_timeout
    )
    approval = Approval(file=file, digest=expect_digest, is_automatic=auto_approve)
    applying = Applying(session=session, approval=approval, form=form, detailed=detailed_exitcode)
    return applying.carry_out(wish, terms)
