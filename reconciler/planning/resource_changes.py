"""What the manifests change about policy, workspaces, networks and the scope catalogue.

A stored policy holds also where no manifest declares any; the other kinds are dropped when this
manager no longer declares what it once brought.
"""

from __future__ import annotations

from reconciler.model.resources import Resource, ResourceAddress, ResourceKind
from reconciler.model.states import DeclaredResource, DesiredState, ObservedState
from reconciler.planning.actions import Action, Reason
from reconciler.planning.diff import diff_bodies
from reconciler.planning.plan import Base, Change

_ORDER = (
    ResourceKind.POLICY,
    ResourceKind.WORKSPACE,
    ResourceKind.NETWORK,
    ResourceKind.SCOPES,
    ResourceKind.WAIVER,
)


def resource_changes(desired: DesiredState, observed: ObservedState) -> tuple[Change, ...]:
    """Give the changes of resources: policy first, then workspaces, networks, the catalogue."""
    stored = {r.address: r for r in observed.resources}
    declared = {d.address: d for d in desired.resources}
    put = [_put(d, stored.get(a), desired.manager) for a, d in declared.items()]
    dropped = [
        _dropped(r)
        for a, r in stored.items()
        if a not in declared and r.manager == desired.manager and a.kind is not ResourceKind.POLICY
    ]
    found = [c for c in (*put, *dropped) if c is not None]
    return tuple(sorted(found, key=lambda change: _rank(change.address)))


def _rank(address: str) -> tuple[int, str]:
    kinds = [kind.value for kind in _ORDER]
    return kinds.index(address.partition("/")[0]), address


def _put(declared: DeclaredResource, stored: Resource | None, manager: str) -> Change | None:
    wanted = Resource(address=declared.address, body=declared.body, manager=manager)
    if stored is not None and stored.fingerprint == wanted.fingerprint:
        return None
    return Change(
        address=str(declared.address),
        actions=(Action.CREATE if stored is None else Action.UPDATE,),
        reason=Reason.DECLARED if stored is None else Reason.FIELDS_DIFFER,
        is_key=False,
        workspace=_owning_workspace(declared.address),
        source=declared.source,
        base=None if stored is None else _base(stored),
        fields=diff_bodies(None if stored is None else stored.body, declared.body),
        body=declared.body,
        resource=stored,
    )


def _dropped(stored: Resource) -> Change:
    return Change(
        address=str(stored.address),
        actions=(Action.REMOVE,),
        reason=Reason.UNDECLARED,
        is_key=False,
        workspace=_owning_workspace(stored.address),
        base=_base(stored),
        fields=diff_bodies(stored.body, None),
        resource=stored,
    )


def _owning_workspace(address: ResourceAddress) -> str | None:
    """Give whose admins may change it: only a workspace's own networks are not platform-wide."""
    return address.workspace if address.kind is ResourceKind.NETWORK else None


def _base(stored: Resource) -> Base:
    return Base(record_version=0, fingerprint=stored.fingerprint)
