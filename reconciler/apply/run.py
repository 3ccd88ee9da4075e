"""One apply from the lease to the report.

Under one hold of the lease: finish what earlier runs left open, read the store again, plan again,
compare with what was approved, judge, execute. What is executed is the plan that was compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from reconciler.apply.authorization import authorization_refusals, may_change
from reconciler.apply.doors import Doors, RunRequest, RunWatch
from reconciler.apply.lease import held_lease
from reconciler.apply.outcome import ApplyReport
from reconciler.apply.session import Session
from reconciler.errors import ManifestsInvalid, NotFound, PlanDiffers, Refused
from reconciler.model.keys import KeyAddress
from reconciler.model.states import ObservedState
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import MaintenanceItem, Plan, Refusal
from reconciler.planning.planner import make_plan


def run_apply(doors: Doors, request: RunRequest, watch: RunWatch) -> ApplyReport:
    """Carry out what was approved, with the maintenance that is due.

    Raises:
        Locked: another run holds the lease.
        PlanDiffers: the plan made now is not the approved one; its `plan` is the one made now.
        Refused: a guard or the rights of the principal stand against it.
        ManifestsInvalid: the manifests cannot follow what the store holds.
        KeyrecError: store or sink could not be used, and nothing was applied.
    """
    with _session(doors, request, watch) as session:
        recovered = session.recover()
        plan_request = session.read_again()
        plan = _agreed_plan(plan_request, request)
        return session.execute(plan, plan_request.observed, recovered)


def rotate_now(
    doors: Doors, request: RunRequest, address: KeyAddress, watch: RunWatch
) -> ApplyReport:
    """Give one key a new secret at once, at a person's word; errors as `run_apply`.

    Raises:
        NotFound: the manager has no live key of that name.
    """
    with _session(doors, request, watch) as session:
        recovered = session.recover()
        plan_request = session.read_again()
        plan = _rotation_plan(plan_request, request, address)
        return session.execute(plan, plan_request.observed, recovered)


@contextmanager
def _session(doors: Doors, request: RunRequest, watch: RunWatch) -> Iterator[Session]:
    """Open a run: the lease, and threads for hashing and for the sink."""
    lease = held_lease(
        doors,
        request.plan_request.desired.manager,
        holder=request.holder,
        timeout=request.lock_timeout,
        stop=watch.stop,
    )
    with lease as held, ThreadPoolExecutor(request.parallelism) as threads:
        yield Session(doors=doors, request=request, watch=watch, lease=held, threads=threads)


def _agreed_plan(plan_request: PlanRequest, request: RunRequest) -> Plan:
    """Plan again; give the plan only where it is the approved one and nothing is against it."""
    plan = make_plan(replace(plan_request, maintenance_only=request.maintenance_only))
    _judge(plan, request, plan_request.observed)
    if not request.maintenance_only and plan.digest != request.approved_digest:
        raise PlanDiffers(
            "the plan is not the one that was approved: the store or the manifests have changed",
            plan=plan,
            advice="look at the difference and approve the new plan",
        )
    return replace(plan, now=plan_request.observed.read_at)


def _judge(plan: Plan, request: RunRequest, observed: ObservedState) -> None:
    if plan.problems:
        raise ManifestsInvalid(
            f"{len(plan.problems)} problems: the manifests cannot follow what the store holds",
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
