"""What is declared beside keys: policy, workspaces, networks, the scope catalogue, waivers.

Compatibility: `document_of` gives the stored form. Fields are only added, each with a default that
means what its absence meant; `resource_from` reads every form ever written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, TypeAlias, assert_never

from reconciler.model.canonical import Document, fingerprint
from reconciler.model.keys import KeyAddress
from reconciler.model.lifetime import Expiration, format_duration, parse_duration
from reconciler.model.policy import Policy
from reconciler.model.policy_document import policy_document, policy_from
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog
from reconciler.model.waivers import Waiver
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults

Body: TypeAlias = Policy | Workspace | NetworkSet | ScopeCatalog | Waiver


def policy_among(bodies: Iterable[Body]) -> Policy:
    """Give the stored policy; the strictest default where there is none."""
    return next((b for b in bodies if isinstance(b, Policy)), Policy())


def catalog_among(bodies: Iterable[Body]) -> ScopeCatalog:
    """Give the built-in catalogue with the stored one over it."""
    stored = (b for b in bodies if isinstance(b, ScopeCatalog))
    return BUILT_IN_CATALOG.extended(next(stored, ScopeCatalog(resources=())))


class ResourceKind(StrEnum):
    """The kinds that are stored beside keys; the value is the first part of an address."""

    POLICY = "policy"
    WORKSPACE = "workspace"
    NETWORK = "network"
    SCOPES = "scopes"
    WAIVER = "waiver"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceAddress:
    """The name of one resource; networks may belong to a workspace."""

    kind: ResourceKind
    name: str
    workspace: str | None = None

    def __str__(self) -> str:
        """Give `policy/default`, `workspace/payments` or `network/payments/ci-runners`."""
        middle = "" if self.workspace is None else f"{self.workspace}/"
        return f"{self.kind.value}/{middle}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource as declared or as stored."""

    address: ResourceAddress
    body: Body
    manager: str
    """Ownership mark of the repository that declares it."""

    @property
    def fingerprint(self) -> str:
        """Give the hash of the stored form; equal means nothing to do."""
        return fingerprint(document_of(self.body))


def address_of(body: Body) -> ResourceAddress:
    """Give the address that follows from a body; policy and catalogue are named `default`."""
    match body:
        case Policy():
            return ResourceAddress(kind=ResourceKind.POLICY, name="default")
        case Workspace():
            return ResourceAddress(kind=ResourceKind.WORKSPACE, name=body.name)
        case NetworkSet():
            return ResourceAddress(
                kind=ResourceKind.NETWORK, name=body.name, workspace=body.workspace
            )
        case ScopeCatalog():
            return ResourceAddress(kind=ResourceKind.SCOPES, name="default")
        case Waiver():
            return ResourceAddress(kind=ResourceKind.WAIVER, name=body.name)
        case _:
            assert_never(body)


def document_of(body: Body) -> Document:
    """Give the stored form of a body, without its address."""
    match body:
        case Policy():
            return policy_document(body)
        case Workspace():
            return _workspace_document(body)
        case NetworkSet():
            return {"description": body.description, "ranges": list(body.ranges)}
        case ScopeCatalog():
            return {"resources": {name: list(levels) for name, levels in body.resources}}
        case Waiver():
            return _waiver_document(body)
        case _:
            assert_never(body)


def resource_from(address: ResourceAddress, document: Mapping[str, Any], manager: str) -> Resource:
    """Read the stored form back; inverse of `document_of`."""
    return Resource(address=address, body=_body_from(address, document), manager=manager)


def _body_from(address: ResourceAddress, document: Mapping[str, Any]) -> Body:
    match address.kind:
        case ResourceKind.POLICY:
            return policy_from(document)
        case ResourceKind.WORKSPACE:
            return _workspace_from(address.name, document)
        case ResourceKind.NETWORK:
            return NetworkSet(
                name=address.name,
                workspace=address.workspace,
                description=document.get("description"),
                ranges=tuple(document["ranges"]),
            )
        case ResourceKind.SCOPES:
            return ScopeCatalog.of({n: tuple(v) for n, v in document["resources"].items()})
        case ResourceKind.WAIVER:
            return _waiver_from(address.name, document)
        case _:
            assert_never(address.kind)


def _workspace_document(workspace: Workspace) -> Document:
    defaults = workspace.defaults
    return {
        "description": workspace.description,
        "admins": sorted(workspace.admins),
        "defaults": {
            "owner": defaults.owner,
            "expiration": None if defaults.expiration is None else defaults.expiration.value,
            "allowlist": None if defaults.allowlist is None else sorted(defaults.allowlist),
            "rotateEvery": _duration_text(defaults.rotate_every),
            "overlap": _duration_text(defaults.overlap),
        },
    }


def _workspace_from(name: str, document: Mapping[str, Any]) -> Workspace:
    defaults = document["defaults"]
    allowlist, expiration = defaults["allowlist"], defaults["expiration"]
    return Workspace(
        name=name,
        description=document["description"],
        admins=tuple(document["admins"]),
        defaults=WorkspaceDefaults(
            owner=defaults["owner"],
            expiration=None if expiration is None else Expiration(expiration),
            allowlist=None if allowlist is None else tuple(allowlist),
            rotate_every=_duration(defaults["rotateEvery"]),
            overlap=_duration(defaults["overlap"]),
        ),
    )


def _waiver_document(waiver: Waiver) -> Document:
    return {
        "rule": waiver.rule,
        "workspace": waiver.key.workspace,
        "key": waiver.key.name,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
    }


def _waiver_from(name: str, document: Mapping[str, Any]) -> Waiver:
    return Waiver(
        name=name,
        rule=document["rule"],
        key=KeyAddress(workspace=document["workspace"], name=document["key"]),
        reason=document["reason"],
        owner=document["owner"],
        expires=date.fromisoformat(document["expires"]),
    )


def _duration_text(value: timedelta | None) -> str | None:
    return None if value is None else format_duration(value)


def _duration(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)
