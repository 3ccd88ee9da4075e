"""One apply from the lease to the report.

Under one hold of the lease: read the store again, plan again, judge, compare with what was
approved; finish what earlier runs left open; execute. Nothing is touched before the comparison.
What the finished operations have done of the plan is not done again, and nothing comes to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from reconciler.apply.acknowledging import Answer, acknowledge
from reconciler.apply.authorization import authorization_refusals, may_change
from reconciler.apply.doors import Doors, RunRequest, RunWatch
from reconciler.apply.lease import held_lease
from reconciler.apply.outcome import ApplyReport
from reconciler.apply.points import numbered
from reconciler.apply.session import Session
from reconciler.errors import ManifestsInvalid, NotFound, PlanDiffers, Refused
from reconciler.model.keys import KeyAddress
from reconciler.model.source import counted
from reconciler.model.states import ObservedState
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import MaintenanceItem, Plan, Refusal
from reconciler.review.reviewing import reviewed_plan


def run_apply(doors: Doors, request: RunRequest, watch: RunWatch) -> ApplyReport:
    """Carry out what was approved, with the maintenance that is due.

    Maintenance alone also looks at the sink, and mends what was changed there: one request for
    each key, which an apply of manifests does not pay.

    Raises:
        Locked: another run holds the lease.
        PlanDiffers: the plan made now is not the approved one; its `plan` is the one made now.
        Refused: a guard or the rights of the principal stand against it.
        StoreBehindAnchor: the sink remembers what the store does not hold.
        ManifestsInvalid: the manifests cannot follow what the store holds.
        KeyrecError: store or sink could not be used, and nothing was applied.
    """
    with _session(doors, request, watch) as session:
        plan_request = session.read_again()
        session.require_admin(plan_request.observed)
        keeper = session.anchor_keeper(plan_request.observed)
        plan = _agreed_plan(plan_request, request)
        recovered = session.recover(plan_request.observed)
        if recovered:
            plan_request = session.read_again()
            plan = _rest_of(plan, plan_request, request)
        if request.maintenance_only:
            plan_request = session.look(plan_request)
            plan = _judged_plan(plan_request, request)
        return keeper.remember(session.execute(plan, plan_request.observed, recovered))


def rotate_now(
    doors: Doors, request: RunRequest, address: KeyAddress, watch: RunWatch
) -> ApplyReport:
    """Give one key a new secret at once, at a person's word; errors as `run_apply`.

    Raises:
        NotFound: the manager has no live key of that name.
    """
    with _session(doors, request, watch) as session:
        plan_request = session.read_again()
        keeper = session.anchor_keeper(plan_request.observed)
        plan = _rotation_plan(plan_request, request, address)
        recovered = session.recover(plan_request.observed)
        if recovered:
            plan_request = session.read_again()
            plan = _rotation_plan(plan_request, request, address)
        return keeper.remember(session.execute(plan, plan_request.observed, recovered))


def run_acknowledgement(
    doors: Doors, request: RunRequest, answer: Answer, watch: RunWatch
) -> ApplyReport | None:
    """Acknowledge that the store is not the one that the sink remembers; None where it is.

    Raises:
        Locked: another run holds the lease.
        Refused: the principal is no platform admin.
        KeyrecError: store or sink could not be used; run it again.
    """
    with _session(doors, request, watch) as session:
        return acknowledge(session, answer)


@contextmanager
def _session(doors: Doors, request: RunRequest, watch: RunWatch) -> Iterator[Session]:
    """Open a run: the lease, and threads for hashing and for the sink."""
    if watch.on_effect is not None:
        store, sink = numbered(doors.store, doors.sink, watch.on_effect)
        doors = replace(doors, store=store, sink=sink)
    lease = held_lease(
        doors,
        request.plan_request.desired.manager,
        holder=request.holder,
        timeout=request.lock_timeout,
        stop=watch.stop,
    )
    with lease as held, doors.threads(request.parallelism) as threads:
        try:
            yield Session(doors=doors, request=request, watch=watch, lease=held, threads=threads)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)  # what is not begun never is
            raise


def _agreed_plan(plan_request: PlanRequest, request: RunRequest) -> Plan:
    """Plan again; give the plan only where it is the approved one and nothing is against it.

    A plan that declares nothing wants no approval: another run has done meanwhile what this one
    was to do.
    """
    plan = _judged_plan(plan_request, request)
    is_approved = request.maintenance_only or plan.digest == request.approved_digest
    if plan.changes and not is_approved:
        raise _differs(plan)
    return plan


def _rest_of(agreed: Plan, plan_request: PlanRequest, request: RunRequest) -> Plan:
    """Plan once more after open operations were finished: what is left of the agreed plan.

    An interrupted rotation is both in the agreed plan and an open operation.
    """
    plan = _judged_plan(plan_request, request)
    approved = {c.thing: set(c.actions) for c in agreed.changes}
    for change in plan.changes:
        if not set(change.actions) <= approved.get(change.thing, set()):
            raise _differs(plan)
    return plan


def _differs(plan: Plan) -> PlanDiffers:
    return PlanDiffers(
        "the plan is not the one that was approved: the store or the manifests have changed",
        plan=plan,
        advice="look at the difference and approve the new plan",
    )


def _judged_plan(plan_request: PlanRequest, request: RunRequest) -> Plan:
    only = request.maintenance_only or plan_request.maintenance_only
    plan = reviewed_plan(replace(plan_request, maintenance_only=only))
    _judge(plan, request, plan_request.observed)
    return plan


def _judge(plan: Plan, request: RunRequest, observed: ObservedState) -> None:
    if plan.problems:
        raise ManifestsInvalid(
            f"{counted(plan.problems)}: the manifests cannot follow what the store holds",
            problems=plan.problems,
        )
    refusals = (*plan.refusals, *authorization_refusals(request.principal, plan, observed))
    if refusals:
        raise refused(refusals)


def refused(refusals: tuple[Refusal, ...]) -> Refused:
    """Give the error that names every refusal; the first one's advice leads."""
    return Refused("; ".join(r.message for r in refusals), advice=refusals[0].advice)


def _rotation_plan(request: PlanRequest, run: RunRequest, address: KeyAddress) -> Plan:
    """Plan the rotation of one key that a person asks for.

    Raises:
        NotFound, Refused: there is no such key, no right, or no life left in it.
    """
    observed = request.observed
    record = observed.live.get(address)
    if record is None:
        raise NotFound(
            f"{address} is no live key of {observed.manager}",
            advice="keyrec status lists the keys",
        )
    if not may_change(run.principal, address.workspace, observed):
        raise Refused(
            f"{run.principal} is no admin of the workspace {address.workspace} in the store",
            advice="ask an admin of the workspace",
        )
    if record.is_expired(observed.read_at):
        raise Refused(
            f"{address} has expired; a new secret would not bring it back",
            advice=f"replace it by raising spec.reissue to {record.fields.reissue + 1}",
        )
    item = MaintenanceItem(
        address=str(address),
        kind=MaintenanceKind.ROTATE,
        reason=Reason.REQUESTED,
        path=record.fields.sink_path,
        workspace=address.workspace,
        record=record,
    )
    return Plan(
        manager=observed.manager,
        now=observed.read_at,
        target=request.target,
        revision=request.desired.revision,
        maintenance=(item,),
    )
