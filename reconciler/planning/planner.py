"""Desired state, observed state and the time become a plan.

Pairs every key, asks each room of planning its one question, and puts the answers in order. Pure:
the same request gives the same plan, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.keys import KeyRecord
from reconciler.planning.actions import Action
from reconciler.planning.adoption import unused_marks
from reconciler.planning.against_store import store_problems
from reconciler.planning.guards import refusals
from reconciler.planning.judgement import GuardQuestion
from reconciler.planning.key_changes import key_change
from reconciler.planning.maintenance import maintenance_items
from reconciler.planning.pairing import Pair, PlanRequest, pair_keys
from reconciler.planning.plan import Change, Plan, Unmanaged
from reconciler.planning.resource_changes import resource_changes

_UNROTATED = {Action.REISSUE, Action.ROTATE, Action.DEACTIVATE, Action.REMOVE}
"""Declared actions beside which time brings no rotation: they make a new secret, or want none."""


def make_plan(request: PlanRequest) -> Plan:
    """Say what apply would do, why, based on what, and what stands against it."""
    desired, observed, selection = request.desired, request.observed, request.selection
    pairs = _pairs(request)
    by_pair = [(pair, key_change(pair, observed.policy.prune)) for pair in pairs]
    resources = () if request.maintenance_only else resource_changes(desired, observed)
    changes = (
        *(c for c in resources if selection.covers(c.address)),
        *(change for _, change in by_pair if change is not None),
    )
    adopted = {change.address for change in changes if change.adoption is not None}
    question = GuardQuestion(request=request, pairs=pairs, changes=changes)
    return Plan(
        manager=desired.manager,
        now=observed.read_at,
        target=request.target,
        revision=desired.revision,
        manifest_digest=desired.manifest_digest,
        changes=changes,
        maintenance=maintenance_items(
            records_in_scope(request),
            observed,
            request.target,
            renewed=_keys_with(changes, _UNROTATED),
            ended=_keys_with(changes, {Action.REMOVE}),
            drifts=request.drifts,
        ),
        drift=request.drifts,
        unchanged=sum(1 for pair, change in by_pair if change is None and pair.spec is not None),
        unmanaged=_unmanaged(request, adopted),
        refusals=() if request.maintenance_only else refusals(question),
        problems=tuple(sorted(p for pair in pairs for p in store_problems(pair, observed.read_at))),
        notes=tuple(_notes(request, (p for p, change in by_pair if change is None))),
        removal_count=len(question.endings),
        selection=selection.flags,
    )


def _pairs(request: PlanRequest) -> tuple[Pair, ...]:
    """Give the keys whose declared part is planned."""
    if request.maintenance_only:
        return ()
    return tuple(p for p in pair_keys(request) if request.selection.covers(str(p.address)))


def records_in_scope(request: PlanRequest) -> Iterator[KeyRecord]:
    """Give the records whose maintenance is due with this plan, ended ones too."""
    for record in request.observed.records:
        environments = request.environments
        if environments and record.fields.environment not in environments:
            continue
        if request.selection.covers(str(record.address)):
            yield record


def _keys_with(changes: tuple[Change, ...], actions: set[Action]) -> frozenset[str]:
    """Give the ids of stored keys to which the declared part does one of these actions."""
    return frozenset(
        change.record.key_id
        for change in changes
        if change.record is not None and actions & set(change.actions)
    )


def _unmanaged(request: PlanRequest, adopted: set[str]) -> tuple[Unmanaged, ...]:
    """Give the records of others that are left alone."""
    return tuple(
        Unmanaged(address=str(f.address), manager=f.manager)
        for f in sorted(request.observed.foreign, key=lambda f: f.address)
        if request.selection.covers(str(f.address)) and str(f.address) not in adopted
    )


def _notes(request: PlanRequest, left_alone: Iterable[Pair]) -> Iterator[str]:
    """Give remarks: removals and adoptions of keys that never were, keys without manifest left as
    they are.
    """
    observed = request.observed
    live = observed.live
    for removal in request.desired.removals:
        known = removal.address in live or removal.address in observed.removed
        if not known and request.selection.covers(str(removal.address)):
            yield f"{removal.source}: {removal.address} was never in the store; nothing to remove"
    for spec in unused_marks(request.desired, observed):
        if request.selection.covers(str(spec.address)):
            yield f"{spec.source}: {spec.address} is not in the store; it is created, not adopted"
    for pair in left_alone:
        if pair.spec is None:
            yield f"{pair.address} is inactive or ignored, and no manifest declares it"
