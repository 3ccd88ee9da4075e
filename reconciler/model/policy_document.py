"""The stored form of the policy.

Compatibility: fields are only added, each with a default that means what its absence meant, and
left out while they have it: fingerprints of older policies stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.canonical import Document
from reconciler.model.lifetime import Expiration
from reconciler.model.policy import (
    AuthorizationMode,
    BoundPrincipal,
    Guards,
    HashProfile,
    Issuer,
    Policy,
    Prune,
    ReviewPolicy,
    RuleSeverity,
    SigningAlgorithm,
    SinkKind,
    SinkPolicy,
)
from reconciler.model.severity import Severity

OFF = "off"
"""The word for a rule that is not asked."""


def policy_document(policy: Policy) -> Document:
    """Give the stored form."""
    authorization: dict[str, Document] = {
        "mode": policy.authorization.value,
        "platformAdmins": sorted(policy.platform_admins),
    }
    if policy.issuers:
        authorization["issuers"] = {i.name: _issuer_document(i) for i in policy.issuers}
    return {
        "authorization": authorization,
        "prune": policy.prune.value,
        "guards": {
            "maxRemovals": policy.guards.max_removals,
            "maxRemovalShare": str(float(policy.guards.max_removal_share)),
        },
        "expirations": [e.value for e in policy.expirations],
        "review": _review_document(policy.review),
        "hashing": policy.hashing.value,
        "sink": _sink_document(policy.sink),
    }


def policy_from(document: Mapping[str, Any]) -> Policy:
    """Read the stored form back."""
    authorization, guards = document["authorization"], document["guards"]
    issuers = authorization.get("issuers", {})
    return Policy(
        authorization=AuthorizationMode(authorization["mode"]),
        platform_admins=tuple(authorization["platformAdmins"]),
        issuers=tuple(_issuer_from(name, issuers[name]) for name in sorted(issuers)),
        prune=Prune(document["prune"]),
        guards=Guards(
            max_removals=guards["maxRemovals"],
            max_removal_share=float(guards["maxRemovalShare"]),
        ),
        expirations=tuple(Expiration(e) for e in document["expirations"]),
        review=_review_from(document["review"]),
        hashing=HashProfile(document["hashing"]),
        sink=_sink_from(document["sink"]),
    )


def _sink_document(sink: SinkPolicy) -> Document:
    document: dict[str, Document] = {
        "kind": sink.kind.value,
        "path": sink.path,
        "identity": sink.identity,
        "mount": sink.mount,
        "prefix": sink.prefix,
        "recipients": list(sink.recipients),
    }
    return document if sink.address is None else {**document, "address": sink.address}


def _sink_from(document: Mapping[str, Any]) -> SinkPolicy:
    return SinkPolicy(
        kind=SinkKind(document["kind"]),
        path=document["path"],
        identity=document["identity"],
        mount=document["mount"],
        prefix=document["prefix"],
        address=document.get("address"),
        recipients=tuple(document["recipients"]),
    )


def _issuer_document(issuer: Issuer) -> Document:
    return {
        "url": issuer.url,
        "audience": issuer.audience,
        "algorithm": issuer.algorithm.value,
        "keys": list(issuer.keys),
        "principals": {p.name: dict(p.claims) for p in issuer.principals},
    }


def _issuer_from(name: str, document: Mapping[str, Any]) -> Issuer:
    return Issuer(
        name=name,
        url=document["url"],
        audience=document["audience"],
        algorithm=SigningAlgorithm(document["algorithm"]),
        keys=tuple(document["keys"]),
        principals=tuple(
            BoundPrincipal(name=principal, claims=tuple(sorted(claims.items())))
            for principal, claims in sorted(document["principals"].items())
        ),
    )


def _review_document(review: ReviewPolicy) -> Document:
    document: dict[str, Document] = {"failOn": review.fail_on.value}
    rules = _severities_document(review, None)
    workspaces = sorted({s.workspace for s in review.severities if s.workspace is not None})
    if rules:
        document["rules"] = rules
    if workspaces:
        document["workspaces"] = {name: _severities_document(review, name) for name in workspaces}
    return document


def _severities_document(review: ReviewPolicy, workspace: str | None) -> dict[str, Document]:
    return {
        said.rule: OFF if said.severity is None else said.severity.value
        for said in review.severities
        if said.workspace == workspace
    }


def _review_from(document: Mapping[str, Any]) -> ReviewPolicy:
    return ReviewPolicy(
        fail_on=Severity(document["failOn"]),
        severities=severities_of(document.get("rules", {}), document.get("workspaces", {})),
    )


def severities_of(
    rules: Mapping[str, str], workspaces: Mapping[str, Mapping[str, str]]
) -> tuple[RuleSeverity, ...]:
    """Read rule ids with their words, for everywhere and by workspace, in the one order."""
    return (
        *_severities(rules, None),
        *(s for name in sorted(workspaces) for s in _severities(workspaces[name], name)),
    )


def _severities(words: Mapping[str, str], workspace: str | None) -> Iterator[RuleSeverity]:
    for rule, word in sorted(words.items()):
        severity = None if word == OFF else Severity(word)
        yield RuleSeverity(rule=rule, severity=severity, workspace=workspace)
