"""Wire models to the model's values, for everything that is declared beside keys.

The rule that lives here: what a Policy leaves out. Guards, prune, expirations, review and hashing
fall back to their defaults; how principals are known, who is platform admin and which sink is
pinned stays as the store has it, so that nothing is unpinned and nobody locked out by silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.manifest.ranges import collapsed
from reconciler.manifest.schema_authorization import IssuerWire
from reconciler.manifest.schema_policy import PolicyWire, ReviewWire, SinkWire
from reconciler.manifest.schema_shared import (
    DefaultsWire,
    NetworkSetWire,
    ScopeCatalogWire,
    WorkspaceWire,
)
from reconciler.manifest.schema_waivers import WaiverWire
from reconciler.model.keys import KeyAddress
from reconciler.model.lifetime import Expiration
from reconciler.model.policy import (
    BoundPrincipal,
    Guards,
    Issuer,
    Policy,
    ReviewPolicy,
    SinkPolicy,
)
from reconciler.model.policy_document import severities_of
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.waivers import Waiver
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults


def entries(allowlist: Iterable[str]) -> tuple[str, ...]:
    """Give allowlist entries in their one order, each once."""
    return tuple(sorted(set(allowlist)))


def workspace_of(wire: WorkspaceWire) -> Workspace:
    """Give the declared workspace."""
    return Workspace(
        name=wire.metadata.name,
        description=wire.metadata.description,
        admins=tuple(sorted(set(wire.spec.admins))),
        defaults=_defaults_of(wire.spec.defaults),
    )


def _defaults_of(wire: DefaultsWire) -> WorkspaceDefaults:
    return WorkspaceDefaults(
        owner=wire.owner,
        expiration=wire.expiration,
        allowlist=None if wire.allowlist is None else entries(wire.allowlist),
        rotate_every=wire.rotation.every,
        overlap=wire.rotation.overlap,
    )


def network_of(wire: NetworkSetWire) -> NetworkSet:
    """Give the declared network."""
    return NetworkSet(
        name=wire.metadata.name,
        workspace=wire.metadata.workspace,
        description=wire.metadata.description,
        ranges=collapsed(tuple(wire.spec.ranges)),
    )


def catalog_of(wire: ScopeCatalogWire) -> ScopeCatalog:
    """Give the declared catalogue, without the built-in one."""
    return ScopeCatalog.of({name: tuple(levels) for name, levels in wire.spec.resources.items()})


def policy_of(wire: PolicyWire, stored: Policy) -> Policy:
    """Give the declared policy over the stored one (the default where none is known)."""
    spec = wire.spec
    wanted = spec.authorization
    admins, issuers = wanted.platform_admins, wanted.issuers
    return Policy(
        authorization=wanted.mode or stored.authorization,
        platform_admins=stored.platform_admins if admins is None else tuple(sorted(set(admins))),
        issuers=stored.issuers if issuers is None else _issuers_of(issuers),
        prune=spec.prune,
        guards=Guards(
            max_removals=spec.guards.max_removals,
            max_removal_share=spec.guards.max_removal_share,
        ),
        expirations=tuple(e for e in Expiration if e in spec.expirations),
        review=_review_of(spec.review),
        hashing=spec.hashing,
        sink=_sink_of(spec.sink, stored.sink),
    )


def _issuers_of(wires: Mapping[str, IssuerWire]) -> tuple[Issuer, ...]:
    return tuple(
        Issuer(
            name=name,
            url=wire.url,
            audience=wire.audience,
            algorithm=wire.algorithm,
            keys=tuple(sorted(set(wire.keys or ()))),
            principals=tuple(
                BoundPrincipal(name=principal, claims=tuple(sorted(claims.items())))
                for principal, claims in sorted(wire.principals.items())
            ),
        )
        for name, wire in sorted(wires.items())
    )


def _review_of(wire: ReviewWire) -> ReviewPolicy:
    return ReviewPolicy(fail_on=wire.fail_on, severities=severities_of(wire.rules, wire.workspaces))


def waiver_of(wire: WaiverWire) -> Waiver:
    """Give the declared waiver."""
    spec = wire.spec
    return Waiver(
        name=wire.metadata.name,
        rule=spec.rule,
        key=KeyAddress(workspace=spec.key.workspace, name=spec.key.name),
        reason=spec.reason,
        owner=spec.owner,
        expires=spec.expires,
    )


def _sink_of(wire: SinkWire, stored: SinkPolicy) -> SinkPolicy:
    """Put the declared pins over the stored ones; a change of the kind drops all stored pins."""
    kind = stored.kind if wire.kind is None else wire.kind
    base = stored if kind is stored.kind else SinkPolicy(kind=kind, path=stored.path)
    recipients = base.recipients if wire.recipients is None else wire.recipients
    return SinkPolicy(
        kind=kind,
        path=wire.path or base.path,
        identity=wire.identity or base.identity,
        mount=wire.mount or base.mount,
        prefix=wire.prefix or base.prefix,
        address=wire.address or base.address,
        recipients=tuple(sorted(set(recipients))),
    )
