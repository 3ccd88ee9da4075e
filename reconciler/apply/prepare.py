"""From opened doors to a plan: observe the store, read the manifests against it, plan.

Reads only; works with read-only rights and without the sink.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from reconciler.errors import ManifestsInvalid
from reconciler.manifest.aids import UNAIDED, Aids
from reconciler.manifest.alone import in_order, read_ahead
from reconciler.manifest.assembly import Known, known_from
from reconciler.manifest.desired import Origin, desired_of
from reconciler.manifest.files import manifest_digest
from reconciler.manifest.judging import Judgement, judge_files
from reconciler.model.custody import custody_of
from reconciler.model.policy import Policy
from reconciler.model.source import counted
from reconciler.model.states import DesiredState, ObservedState
from reconciler.planning.adoption import adoptable
from reconciler.planning.pairing import PlanRequest
from reconciler.planning.plan import Plan, Target
from reconciler.planning.selection import Selection
from reconciler.ports import KeyStore, ManifestSource
from reconciler.review.meanings import with_other_meaning
from reconciler.review.reviewing import reviewed_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan with the request that it was made from, so that a run can make it again."""

    plan: Plan
    request: PlanRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What part of the world is planned, and how strictly it is judged; fields as `PlanRequest`."""

    selection: Selection = field(default_factory=Selection)
    environments: tuple[str, ...] = ()
    allowed_removals: int | None = None
    no_new_access: bool = False
    brief: bool = False
    """Whether nobody reads more of a plan without changes than that there are none."""


def prepare(
    *,
    store: KeyStore,
    source: ManifestSource,
    manager: str,
    wish: Wish | None = None,
    aids: Aids = UNAIDED,
) -> Prepared:
    """Plan what the source's manifests mean for the store.

    Raises:
        ManifestsInvalid: with every problem of every manifest.
        SourceUnavailable, StoreUnavailable, StoreOutdated: one of the doors cannot be read.
    """
    wish = wish or Wish()
    desired, observed = _read(store, source, manager, wish, aids)
    observed = with_others(store, desired, observed)
    request = PlanRequest(
        desired=desired,
        observed=observed,
        target=target_of(observed),
        selection=wish.selection,
        environments=wish.environments,
        allowed_removals=wish.allowed_removals,
        no_new_access=wish.no_new_access,
    )
    return Prepared(plan=reviewed_plan(request, brief=wish.brief), request=request)


def with_others(store: KeyStore, desired: DesiredState, observed: ObservedState) -> ObservedState:
    """Give what the store holds with those records of others that the plan wants to see: what the
    manifests take over, and what a changed catalogue or network gives another meaning.
    """
    wanted = frozenset(adoptable(desired, observed)) | with_other_meaning(desired, observed)
    return store.observe(observed.manager, whole=wanted) if wanted else observed


def _read(
    store: KeyStore, source: ManifestSource, manager: str, wish: Wish, aids: Aids
) -> tuple[DesiredState, ObservedState]:
    """Read both sides."""
    judgement, origin, observed = _judged(store, source, manager, aids)
    result = desired_of(judgement, origin, manager=manager, environments=wish.environments)
    if isinstance(result, DesiredState):
        return result, observed
    raise ManifestsInvalid(
        f"{counted(result)} in the manifests; nothing was planned", problems=result
    )


def _judged(
    store: KeyStore, source: ManifestSource, manager: str, aids: Aids
) -> tuple[Judgement, Origin, ObservedState]:
    """Judge the manifests beside the store; their bytes are let go with the return."""
    files = in_order(source.files())
    with read_ahead(files, aids) as ahead:
        revision = source.revision()  # at once: they are to be of the same bytes
        observed = store.observe(manager)
        judgement = judge_files(files, known_to(observed), ahead)
    origin = Origin(revision=revision, manifest_digest=manifest_digest(files))
    return judgement, origin, observed


def known_to(observed: ObservedState) -> Known:
    """Give what manifests may refer to without declaring it.

    That is the policy and what other managers declare. What this manager once declared counts
    only while its manifests still say it: the same plan would take it away.
    """
    others = tuple(
        r for r in observed.resources if r.manager != observed.manager or isinstance(r.body, Policy)
    )
    return known_from(replace(observed, resources=others))


def nothing_declared(observed: ObservedState) -> PlanRequest:
    """Give the request of a run that needs no manifests: maintenance, a rotation asked for."""
    return PlanRequest(
        desired=DesiredState(manager=observed.manager),
        observed=observed,
        target=target_of(observed),
        maintenance_only=True,
    )


def target_of(observed: ObservedState) -> Target:
    """Give what a plan is bound to: this store, and the sink that the stored policy pins."""
    sink = observed.policy.sink
    return Target(
        store_id=observed.store_id,
        sink_id=sink.identity or "",
        custody=custody_of(sink.recipients),
    )
