"""From opened doors to a plan: observe the store, read the manifests against it, plan.

Reads only; works with read-only rights and without the sink.
"""

from __future__ import annotations

from reconciler.model.custody import custody_of
from reconciler.model.states import ObservedState
from reconciler.planning.plan import Target


def target_of(observed: ObservedState) -> Target:
    """Give what a plan is bound to: this store, and the sink that the stored policy pins."""
    sink = observed.policy.sink
    return Target(
        store_id=observed.store_id,
        sink_id=sink.identity or "",
        custody=custody_of(sink.recipients),
    )
