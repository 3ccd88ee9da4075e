"""Plans on the command line: shown, saved, read back, and which exit code they call for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reconciler.apply.authorization import authorization_refusals
from reconciler.apply.prepare import Prepared
from reconciler.bootstrap.workplace import Workplace
from reconciler.cli.session import Session
from reconciler.errors import ExitCode, IdentityRefused, PlanFileInvalid, UsageError
from reconciler.model.workspaces import Principal
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Plan, Refusal
from reconciler.render.style import escape
from reconciler.render.text import plan_text_parts


def show_plan(session: Session, plan: Plan, form: str, environments: Sequence[str] = ()) -> None:
    """Write a plan as a result; `environments` name it where it is one of several."""
    if form == "text":
        session.show_parts(plan_text_parts(plan, session.style, verbose=session.verbosity > 0))
        return
    from reconciler.cli.plan_forms import plan_in_form

    session.show_parts(plan_in_form(plan, form, environments))


def verdict(plan: Plan) -> ExitCode:
    """Give the exit code that a shown plan calls for, changes apart."""
    if plan.problems:
        return ExitCode.INVALID
    return ExitCode.REFUSED if plan.refusals else ExitCode.DONE


def missing_rights(principal: Principal, plan: Plan, request: PlanRequest) -> tuple[Refusal, ...]:
    """Give what the principal may not apply of it."""
    return authorization_refusals(principal, plan, request.observed)


def say_rights(session: Session, place: Workplace, prepared: Prepared) -> None:
    """Remark what the principal may not apply; a plan needs nobody to be known, and one without
    changes has nothing to judge.
    """
    if not prepared.plan.changes and not prepared.plan.maintenance:
        return
    try:
        principal = place.principal(prepared.request.observed)
    except IdentityRefused as error:
        session.say(f"Note: rights were not judged. {escape(error.message)}")
        return
    _say_missing(session, missing_rights(principal, prepared.plan, prepared.request))


def _say_missing(session: Session, refusals: tuple[Refusal, ...]) -> None:
    """Name all refusals with -v, else the first and a count."""
    shown = refusals if session.verbosity else refusals[:1]
    for refusal in shown:
        session.say(f"Note: {escape(refusal.message)}; apply would refuse this plan.")
    if len(refusals) > len(shown):
        session.say(f"Note: {len(refusals) - len(shown)} more for want of rights; -v lists them.")


def save_plan(plan: Plan, file: str) -> None:
    """Write a plan for review and approval. It holds no secret.

    Raises:
        UsageError: the file cannot be written.
    """
    from reconciler.render.document import plan_json_parts

    try:
        with Path(file).open("w", encoding="utf-8") as opened:
            opened.writelines(plan_json_parts(plan))
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written: {error.strerror}.", advice="Check --out."
        ) from None


def saved_plan(file: str) -> Plan:
    """Read a plan back.

    Raises:
        PlanFileInvalid: it is not there, not ours, or damaged.
    """
    from reconciler.render.plan_file import read_plan

    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PlanFileInvalid(
            f"{file} cannot be read: {reason}.", advice="`keyrec plan -o FILE` writes one."
        ) from None
    return read_plan(text, name=file)
