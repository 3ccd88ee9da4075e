"""What is declared beside keys: policy, workspaces, networks, the scope catalogue.

Compatibility: `document_of` gives the stored form. Fields are only added, each with a default that
means what its absence meant; `resource_from` reads every form ever written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeAlias, assert_never

from reconciler.model.canonical import Document, fingerprint
from reconciler.model.lifetime import Expiration, format_duration, parse_duration
from reconciler.model.policy import (
    AuthorizationMode,
    Guards,
    HashProfile,
    Policy,
    Prune,
    SinkKind,
    SinkPolicy,
)
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults

Body: TypeAlias = Policy | Workspace | NetworkSet | ScopeCatalog


class ResourceKind(StrEnum):
    """The kinds that are stored beside keys; the value is the first part of an address."""

    POLICY = "policy"
    WORKSPACE = "workspace"
    NETWORK = "network"
    SCOPES = "scopes"


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
        case _:
            assert_never(body)


def document_of(body: Body) -> Document:
    """Give the stored form of a body, without its address."""
    match body:
        case Policy():
            return _policy_document(body)
        case Workspace():
            return _workspace_document(body)
        case NetworkSet():
            return {"description": body.description, "ranges": list(body.ranges)}
        case ScopeCatalog():
            return {"resources": {name: list(levels) for name, levels in body.resources}}
        case _:
            assert_never(body)


def resource_from(address: ResourceAddress, document: Mapping[str, Any], manager: str) -> Resource:
    """Read the stored form back; inverse of `document_of`."""
    return Resource(address=address, body=_body_from(address, document), manager=manager)


def _body_from(address: ResourceAddress, document: Mapping[str, Any]) -> Body:
    match address.kind:
        case ResourceKind.POLICY:
            return _policy_from(document)
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
        case _:
            assert_never(address.kind)


def _policy_document(policy: Policy) -> Document:
    return {
        "authorization": {
            "mode": policy.authorization.value,
            "platformAdmins": sorted(policy.platform_admins),
        },
        "prune": policy.prune.value,
        "guards": {
            "maxRemovals": policy.guards.max_removals,
            "maxRemovalShare": str(float(policy.guards.max_removal_share)),
        },
        "expirations": [e.value for e in policy.expirations],
        "review": {"failOn": policy.fail_on},
        "hashing": policy.hashing.value,
        "sink": {
            "kind": policy.sink.kind.value,
            "path": policy.sink.path,
            "identity": policy.sink.identity,
            "mount": policy.sink.mount,
            "prefix": policy.sink.prefix,
            "recipients": list(policy.sink.recipients),
        },
    }


def _policy_from(document: Mapping[str, Any]) -> Policy:
    authorization, guards, sink = document["authorization"], document["guards"], document["sink"]
    return Policy(
        authorization=AuthorizationMode(authorization["mode"]),
        platform_admins=tuple(authorization["platformAdmins"]),
        prune=Prune(document["prune"]),
        guards=Guards(
            max_removals=guards["maxRemovals"],
            max_removal_share=float(guards["maxRemovalShare"]),
        ),
        expirations=tuple(Expiration(e) for e in document["expirations"]),
        fail_on=document["review"]["failOn"],
        hashing=HashProfile(document["hashing"]),
        sink=SinkPolicy(
            kind=SinkKind(sink["kind"]),
            path=sink["path"],
            identity=sink["identity"],
            mount=sink["mount"],
            prefix=sink["prefix"],
            recipients=tuple(sink["recipients"]),
        ),
    )


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


def _duration_text(value: timedelta | None) -> str | None:
    return None if value is None else format_duration(value)


def _duration(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)
