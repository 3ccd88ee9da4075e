"""Whether the sink can be used in this run: it is the one the policy pins, and writes would last.

Asked once, before any secret is drawn. A sink that cannot be used stops secrets only: access is
ended by the store alone.
"""

from __future__ import annotations

from reconciler.errors import KeyrecError, Refused, SinkMisconfigured
from reconciler.model.policy import Policy
from reconciler.planning.actions import MaintenanceKind
from reconciler.planning.plan import Plan, Target
from reconciler.ports import SecretSink

_WITHOUT_SINK = {MaintenanceKind.RETIRE, MaintenanceKind.REPAIR}


def needs_sink(plan: Plan) -> bool:
    """Whether carrying out the plan reaches the sink at all."""
    declared = any(change.secret is not None for change in plan.changes)
    return declared or any(i.kind not in _WITHOUT_SINK for i in plan.maintenance)


def sink_trouble(sink: SecretSink, target: Target) -> KeyrecError | None:
    """Give the error that keeps this run from using the sink; None where it is ready."""
    try:
        require_pinned(sink, target)
        return _failed_check(sink)
    except KeyrecError as error:
        return error


def require_same_address(then: Policy, now: Policy) -> None:
    """Return where a sink that was opened under one policy is where the other one pins it.

    Raises:
        Refused: it is pinned elsewhere by now.
    """
    if then.sink.address != now.sink.address:
        raise Refused(
            "the policy in the store pins another address of the sink since this run began",
            advice="run it again; the address that is pinned now is then the one that counts",
        )


def require_pinned(sink: SecretSink, target: Target) -> None:
    """Return where the sink is the one that the stored policy pins.

    Raises:
        SinkMisconfigured: it is another one, or none is pinned.
        KeyrecError: the sink could not be asked.
    """
    if not target.sink_id:
        raise SinkMisconfigured(
            "the stored policy pins no sink",
            advice="write spec.sink.identity in the Policy; keyrec doctor shows the value",
        )
    found = sink.identity()
    if found == target.sink_id:
        return
    raise SinkMisconfigured(
        f"this sink is {found}, but the stored policy pins {target.sink_id}",
        advice="check the sink's address in keyrec.yaml; "
        "if another sink is meant, a platform admin changes the Policy",
    )


def _failed_check(sink: SecretSink) -> KeyrecError | None:
    failed = next((c for c in sink.preflight() if not c.passed), None)
    if failed is None:
        return None
    return SinkMisconfigured(failed.message, advice=failed.advice)
