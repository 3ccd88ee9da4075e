"""From a plan to its report at the command line: shown, approved, run, reported.

The order of an apply stands here: show, refuse what cannot be, compare with what was approved, ask,
run. What a run does stands in `apply/`; nothing is decided twice: the run judges and compares
again, under its lease.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.apply.outcome import ApplyReport, OutcomeStatus
from reconciler.apply.prepare import Prepared
from reconciler.apply.run import refused
from reconciler.bootstrap.auditing import is_anchor_behind
from reconciler.bootstrap.wishes import PlanWish, RunTerms
from reconciler.bootstrap.workplace import Workplace
from reconciler.cli.asking import has_said_yes, is_attended
from reconciler.cli.plans import missing_rights, saved_plan, show_plan
from reconciler.cli.running import show_report, watched
from reconciler.cli.session import Session
from reconciler.errors import (
    Declined,
    ExitCode,
    ManifestsInvalid,
    PlanDiffers,
    Refused,
    UsageError,
)
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import MaintenanceItem, Plan
from reconciler.render.maintenance_lines import maintenance_line
from reconciler.render.style import escape
from reconciler.render.text import plan_difference_text, plan_text
from reconciler.review.approval import unseen
from reconciler.review.reviewing import reviewed_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What was approved before the command was called."""

    file: str | None = None
    digest: str | None = None
    is_automatic: bool = False

    def saved(self) -> Plan | None:
        """Read the approved plan, where it is a file."""
        return None if self.file is None else saved_plan(self.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """One `keyrec apply`."""

    session: Session
    approval: Approval
    form: str
    detailed: bool

    def carry_out(self, wish: PlanWish, terms: RunTerms) -> ExitCode:
        """Plan, agree and run; the exit code.

        Raises:
            Refused, PlanDiffers, ManifestsInvalid, Declined: nothing was applied.
        """
        if terms.maintenance_only and (self.approval.file or self.approval.digest):
            raise UsageError(
                "--maintenance applies nothing that a plan or a digest could approve.",
                advice="Leave one of them away.",
            )
        saved = self.approval.saved()
        with self.session.workplace() as place:
            agreed = self._agreed(place, wish, terms, saved)
            if agreed.is_changing:
                return self._run(place, agreed)
            return self._maintain(place, agreed)

    def _agreed(
        self, place: Workplace, wish: PlanWish, terms: RunTerms, saved: Plan | None
    ) -> _Agreed:
        """Plan, show the plan and get it approved; of the plan only that stays."""
        with self.session.undisturbed():
            makes = place.prepare_maintenance if terms.maintenance_only else place.prepare
            prepared = makes(wish)
        plan = prepared.plan
        if not terms.maintenance_only:
            self._show(plan)
        self._judge(place, plan, prepared)
        self._compare(plan, saved)
        if plan.changes and saved is None and self.approval.digest is None:
            self._ask(plan)
        return _Agreed(
            request=prepared.request,
            terms=replace(terms, approved_digest=plan.digest),
            maintenance=plan.maintenance,
            is_changing=bool(plan.changes),
        )

    def _show(self, plan: Plan) -> None:
        """Show the plan, as a remark where the result is for a machine."""
        if self.form == "text":
            show_plan(self.session, plan, self.form)
        else:
            self.session.say(plan_text(plan, self.session.error_style))

    def _judge(self, place: Workplace, plan: Plan, prepared: Prepared) -> None:
        """Stop early what the run would refuse under its lease."""
        if plan.problems:
            raise ManifestsInvalid(
                "The manifests cannot follow what the store holds.",
                problems=() if self.form == "text" else plan.problems,
                advice="Correct them and plan again.",
            )
        principal = place.principal(prepared.request.observed)
        refusals = (*plan.refusals, *missing_rights(principal, plan, prepared.request))
        if refusals:
            raise refused(refusals)

    def _compare(self, plan: Plan, saved: Plan | None) -> None:
        """Return where the plan is what a file or a digest approved, or where neither is given."""
        if saved is not None and saved.digest != plan.digest:
            self.session.warn(plan_difference_text(saved, plan, self.session.error_style))
            raise _differs(plan)
        if saved is not None and (news := unseen(saved.review, plan.review)):
            self.session.warn("".join(f"+ only now: {escape(line)}\n" for line in news))
            raise PlanDiffers(
                "The plan changes what was approved, but that means more now than it did then.",
                plan=plan,
                advice="Look at the new plan and approve it; the saved one does not say all of it.",
            )
        if self.approval.digest not in {None, plan.digest}:
            raise _differs(plan)

    def _ask(self, plan: Plan) -> None:
        """Return where a person approves the plan, or has done so for any plan."""
        if self.approval.is_automatic:
            return
        if not is_attended():
            raise Refused(
                "Nobody approved this plan, and there is no terminal to ask at.",
                advice=f"Review it, then: keyrec apply --expect-digest {plan.digest}",
            )
        if not has_said_yes("Apply this plan? [y/N] "):
            raise Declined("Nothing was applied.", advice="Say y or yes to apply.")

    def _maintain(self, place: Workplace, agreed: _Agreed) -> ExitCode:
        """Run maintenance that is due: the manifests that asked for it approved it.

        Where it is asked for by name, the run also looks whether something is to be repaired. A
        run with nothing to do lets the sink remember what an earlier one could not tell it.
        """
        is_only = agreed.terms.maintenance_only
        if agreed.maintenance or is_only:
            if agreed.maintenance and is_only:
                self.session.say(maintenance_line(agreed.maintenance))
            return self._run(place, agreed)
        if is_anchor_behind(place, self.session.warn):
            return self._run(place, agreed)
        if self.form == "json":
            show_report(self.session, _nothing(agreed.terms), self.form)
        return ExitCode.DONE

    def _run(self, place: Workplace, agreed: _Agreed) -> ExitCode:
        terms = agreed.terms
        with watched(self.session) as on_outcome:
            try:
                report = place.run(agreed.request, terms, on_outcome)
            except PlanDiffers as error:
                self._show_difference(reviewed_plan(agreed.request), error)
                raise
        if terms.maintenance_only and self.form == "text" and _is_empty(report):
            self.session.show("No maintenance is due.")
        else:
            show_report(self.session, report, self.form)
        return self._exit_code(report, terms)

    def _show_difference(self, approved: Plan, error: PlanDiffers) -> None:
        if isinstance(error.plan, Plan):
            style = self.session.error_style
            self.session.warn(plan_difference_text(approved, error.plan, style))

    def _exit_code(self, report: ApplyReport, terms: RunTerms) -> ExitCode:
        """Give the report's code; 2 for changes where that was asked for."""
        if report.exit_code is not ExitCode.DONE or not self.detailed:
            return report.exit_code
        counted = [
            o
            for o in report.outcomes
            if o.status is OutcomeStatus.APPLIED
            and (terms.maintenance_only or not o.is_maintenance)
        ]
        return ExitCode.CHANGES if counted else ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agreed:
    """What of an approved plan a run needs; the plan itself, of very many changes, is let go. From
    the request it is made again, byte for byte.
    """

    request: PlanRequest
    terms: RunTerms
    maintenance: tuple[MaintenanceItem, ...]
    is_changing: bool


def _differs(plan: Plan) -> PlanDiffers:
    return PlanDiffers(
        f"The plan is not the one that was approved; its digest is {plan.digest}.",
        plan=plan,
        advice="Look at the new plan and approve it: the store or the manifests have changed.",
    )


def _is_empty(report: ApplyReport) -> bool:
    return not report.outcomes and not report.warnings


def _nothing(terms: RunTerms) -> ApplyReport:
    return ApplyReport(run_id="", plan_digest=terms.approved_digest or "")
