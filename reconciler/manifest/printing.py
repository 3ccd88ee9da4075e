"""What the store holds as trees of manifests, in the schema's own order of fields.

The rule that lives here: a field is written where silence would say something else. What silence
says is asked of `defaults`, which fills manifests in when they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TypeVar, assert_never

from reconciler.manifest.defaults import Silence, silence
from reconciler.manifest.schema_lists import NETWORK_PREFIX
from reconciler.manifest.yaml_text import Tree
from reconciler.model.keys import KeyAddress, KeyFields
from reconciler.model.lifetime import Expiration, Retirement, format_duration
from reconciler.model.policy import (
    Issuer,
    Policy,
    ReviewPolicy,
    SigningAlgorithm,
    SinkKind,
    SinkPolicy,
)
from reconciler.model.policy_document import OFF
from reconciler.model.resources import Body
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.waivers import Waiver
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults

_Value = TypeVar("_Value")
_Parts = Mapping[str, "Tree | None"]


def key_tree(
    address: KeyAddress,
    fields: KeyFields,
    *,
    workspace: Workspace | None,
    template: str,
    adopts: bool = False,
) -> dict[str, Tree]:
    """Give the manifest of a key; `adopts` marks it as one to be taken over.

    A default of the workspace cannot be taken away by a manifest: where the key has no owner,
    allowlist or schedule and the workspace has, a plan will show the difference.
    """
    silent = silence(address, fields.environment, workspace, template)
    metadata: _Parts = {
        "name": address.name,
        "workspace": address.workspace,
        "adopt": adopts or None,
        "owner": _said(fields.owner, silent.owner),
        "description": fields.description,
        "labels": dict(fields.labels),
    }
    spec: _Parts = {
        "environment": fields.environment,
        "scopes": {grant.resource: grant.level for grant in fields.scopes},
        "allowlist": _entries(_said(fields.allowlist, silent.allowlist)),
        "expiration": _said(fields.expiration.value, silent.expiration.value),
        "active": _said(fields.active, True),
        "protected": _said(fields.protected, False),
        "rotation": _rotation(fields, silent),
        "reissue": _said(fields.reissue, 1),
        "secret": _written({"path": _said(fields.sink_path, silent.sink_path)}),
    }
    return _document("ApiKey", metadata, spec)


def body_tree(body: Body) -> dict[str, Tree]:
    """Give the manifest of what is declared beside keys."""
    match body:
        case Policy():
            return _document("Policy", {"name": "default"}, _policy(body))
        case Workspace():
            metadata: _Parts = {"name": body.name, "description": body.description}
            return _document("Workspace", metadata, _workspace(body))
        case NetworkSet():
            metadata = {
                "name": body.name,
                "description": body.description,
                "workspace": body.workspace,
            }
            return _document("NetworkSet", metadata, {"ranges": list(body.ranges)})
        case ScopeCatalog():
            resources = {name: list(levels) for name, levels in body.resources}
            return _document("ScopeCatalog", {"name": "default"}, {"resources": resources})
        case Waiver():
            return _document("Waiver", {"name": body.name}, _waiver(body))
        case _:
            assert_never(body)


def _document(kind: str, metadata: _Parts, spec: _Parts) -> dict[str, Tree]:
    head: _Parts = {
        "apiVersion": "keyrec/v1",
        "kind": kind,
        "metadata": _written(metadata),
        "spec": _written(spec),
    }
    return _written(head)


def _written(parts: _Parts) -> dict[str, Tree]:
    """Leave out what is not said: nothing, and containers with nothing in them."""
    return {name: part for name, part in parts.items() if part not in (None, {}, [])}


def _said(value: _Value, silent: _Value) -> _Value | None:
    """Give a value only where silence would not say it."""
    return None if value == silent else value


def _rotation(fields: KeyFields, silent: Silence) -> dict[str, Tree]:
    rotation = fields.rotation
    return _written(
        {
            "generation": _said(rotation.generation, 1),
            "every": _duration(_said(rotation.every, silent.every)),
            "overlap": _duration(_said(rotation.overlap, silent.overlap)),
            "retire": _said(rotation.retire.value, Retirement.AFTER_OVERLAP.value),
        }
    )


def _duration(value: timedelta | None) -> str | None:
    return None if value is None else format_duration(value)


def _entries(allowlist: Iterable[str] | None) -> list[Tree] | None:
    """Write ranges as they are and references to networks as a mapping."""
    return None if allowlist is None else [_entry(entry) for entry in allowlist]


def _entry(entry: str) -> Tree:
    name = entry.removeprefix(NETWORK_PREFIX)
    return entry if name == entry else {"network": name}


def _workspace(workspace: Workspace) -> _Parts:
    return {"admins": list(workspace.admins), "defaults": _defaults(workspace.defaults)}


def _defaults(defaults: WorkspaceDefaults) -> dict[str, Tree]:
    rotation: _Parts = {
        "every": _duration(defaults.rotate_every),
        "overlap": _duration(defaults.overlap),
    }
    return _written(
        {
            "owner": defaults.owner,
            "expiration": None if defaults.expiration is None else defaults.expiration.value,
            "allowlist": _entries(defaults.allowlist),
            "rotation": _written(rotation),
        }
    )


def _policy(policy: Policy) -> _Parts:
    """Write who is admin and which sink is pinned in any case: silence keeps what a store has."""
    plain = Policy()
    guards: _Parts = {
        "maxRemovals": _said(policy.guards.max_removals, plain.guards.max_removals),
        "maxRemovalShare": _share(
            _said(policy.guards.max_removal_share, plain.guards.max_removal_share)
        ),
    }
    authorization: _Parts = {
        "mode": _said(policy.authorization.value, plain.authorization.value),
        "platformAdmins": list(policy.platform_admins),
        "issuers": {issuer.name: _issuer(issuer) for issuer in policy.issuers},
    }
    expirations = _said(policy.expirations, tuple(Expiration)) or ()
    return {
        "authorization": _written(authorization),
        "prune": _said(policy.prune.value, plain.prune.value),
        "guards": _written(guards),
        "expirations": [expiration.value for expiration in expirations],
        "review": _review(policy.review),
        "hashing": _said(policy.hashing.value, plain.hashing.value),
        "sink": _sink(policy.sink),
    }


def _issuer(issuer: Issuer) -> dict[str, Tree]:
    return _written(
        {
            "url": issuer.url,
            "audience": issuer.audience,
            "algorithm": _said(issuer.algorithm.value, SigningAlgorithm.RS256.value),
            "keys": list(issuer.keys),
            "principals": {p.name: dict(p.claims) for p in issuer.principals},
        }
    )


def _review(review: ReviewPolicy) -> dict[str, Tree]:
    said: dict[str | None, dict[str, Tree]] = {}
    for one in review.severities:
        word = OFF if one.severity is None else one.severity.value
        said.setdefault(one.workspace, {})[one.rule] = word
    general = said.pop(None, {})
    return _written(
        {
            "failOn": _said(review.fail_on.value, ReviewPolicy().fail_on.value),
            "rules": general,
            "workspaces": {str(name): rules for name, rules in said.items()},
        }
    )


def _waiver(waiver: Waiver) -> _Parts:
    return {
        "rule": waiver.rule,
        "key": {"workspace": waiver.key.workspace, "name": waiver.key.name},
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
    }


def _share(value: float | None) -> str | None:
    """Write a share with as many places as it has, six at most."""
    return None if value is None else f"{value:.6f}".rstrip("0").rstrip(".")


def _sink(sink: SinkPolicy) -> dict[str, Tree]:
    """Leave out the id of an age folder, which belongs to one machine."""
    is_vault = sink.kind is SinkKind.VAULT
    return _written(
        {
            "kind": sink.kind.value,
            "path": sink.path,
            "identity": sink.identity if is_vault else None,
            "mount": sink.mount,
            "prefix": sink.prefix,
            "address": sink.address,
            "recipients": list(sink.recipients),
        }
    )
