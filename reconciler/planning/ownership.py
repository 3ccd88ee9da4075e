"""Guards about who owns what: names, resources, sink paths and workspaces have one owner each."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.resources import ResourceAddress, ResourceKind
from reconciler.planning.actions import Action
from reconciler.planning.judgement import GuardQuestion
from reconciler.planning.plan import Refusal


def foreign_keys_are_left_alone(question: GuardQuestion) -> Iterator[Refusal]:
    """A name that another manager owns, or nobody, cannot be declared here."""
    foreign = {f.address: f for f in question.request.observed.foreign}
    for change in question.changes:
        owner = None if change.spec is None else foreign.get(change.spec.address)
        if owner is not None and change.adoption is None:
            whose = "nobody's" if owner.manager is None else f"managed by {owner.manager}"
            yield Refusal(
                code="foreign-key",
                message=f"{change.address} is in the store already and is {whose}",
                advice="choose another name; to take this key under management, "
                "write in its metadata: adopt: true",
                address=change.address,
                source=change.source,
            )


def busy_keys_are_not_adopted(question: GuardQuestion) -> Iterator[Refusal]:
    """What another manager's run has begun, a run of that manager ends.

    Nobody's operations would never be ended: the run after the adoption does it.
    """
    foreign = {f.address: f for f in question.request.observed.foreign}
    for change in question.changes:
        if change.adoption is None or change.spec is None:
            continue
        former = change.adoption.former_manager
        if former is not None and foreign[change.spec.address].is_busy:
            yield Refusal(
                code="adopted-key-busy",
                message=f"a secret of {change.address} is being made by {former}",
                advice=f"let {former} come to its end: keyrec apply --maintenance there",
                address=change.address,
                source=change.source,
            )


def foreign_resources_are_left_alone(question: GuardQuestion) -> Iterator[Refusal]:
    """A workspace, network, catalogue or policy is declared by one repository."""
    for change in question.changes:
        stored, manager = change.resource, question.request.desired.manager
        if stored is not None and stored.manager != manager:
            yield Refusal(
                code="foreign-resource",
                message=f"{change.address} is declared by {stored.manager}",
                advice="change it there, or remove it there first",
                address=change.address,
                source=change.source,
            )


def paths_have_one_owner(question: GuardQuestion) -> Iterator[Refusal]:
    """A sink path belongs to one key, across all managers."""
    sink_id = question.request.target.sink_id
    owners = {
        p.path: p.key_id
        for p in question.request.observed.paths
        if p.sink_id == sink_id and not p.is_free
    }
    for change in question.changes:
        if change.spec is None or change.secret is None:
            continue
        owner = owners.get(change.spec.fields.sink_path)
        if owner is not None and (change.record is None or change.record.key_id != owner):
            yield Refusal(
                code="path-taken",
                message=f"the sink path {change.spec.fields.sink_path} belongs to another key",
                advice="choose another spec.secret.path",
                address=change.address,
                source=change.source,
            )


def workspaces_in_use_stay(question: GuardQuestion) -> Iterator[Refusal]:
    """A workspace goes after its keys."""
    observed = question.request.observed
    ended = {c.address for c in question.changes if Action.REMOVE in c.actions}
    staying = {a.workspace for a in observed.live if str(a) not in ended}
    staying |= {f.address.workspace for f in observed.foreign}
    for change in question.changes:
        stored = None if change.resource is None else change.resource.address
        if Action.REMOVE in change.actions and _is_workspace_in(stored, staying):
            yield Refusal(
                code="workspace-in-use",
                message=f"{change.address} still has keys in the store",
                advice="remove its keys first, and the workspace with a later apply",
                address=change.address,
            )


def _is_workspace_in(address: ResourceAddress | None, names: set[str]) -> bool:
    if address is None or address.kind is not ResourceKind.WORKSPACE:
        return False
    return address.name in names
