"""The rules about the policy: that its sink is whole, and that somebody can be known by it.

Where the manifest is silent the stored policy counts. Only what the manifest itself says of issuers
is judged here; whether a token is believed lives in `credentials/identity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from reconciler.manifest.assembly import Assembly
from reconciler.manifest.codes import Code
from reconciler.manifest.schema_authorization import IssuerWire
from reconciler.manifest.schema_policy import PolicyWire
from reconciler.manifest.tree import Fault, Path
from reconciler.manifest.wired import policy_of
from reconciler.model.policy import AuthorizationMode, Policy, SinkKind

PolicyRule: TypeAlias = Callable[[PolicyWire, Assembly], Iterator[Fault]]

_AUTHORIZATION: Final[Path] = ("spec", "authorization")
_ISSUERS: Final[Path] = (*_AUTHORIZATION, "issuers")


def sink_has_its_own_fields(wire: PolicyWire, assembly: Assembly) -> Iterator[Fault]:
    """A policy pins what its kind of sink has: recipients for age, the place for Vault."""
    declared, sink = wire.spec.sink, _policy(wire, assembly).sink
    own = ["recipients"] if sink.kind is SinkKind.AGE else ["mount", "prefix", "address"]
    for name in ("mount", "prefix", "address", "recipients"):
        if name not in own and getattr(declared, name) is not None:
            yield Fault(
                path=("spec", "sink", name),
                code=Code.SINK_FIELDS,
                message=f"a sink of kind {sink.kind.value} has no {name}",
                advice=f"take {name} out, or change the kind",
                at_key=True,
            )


def age_has_a_recipient(wire: PolicyWire, assembly: Assembly) -> Iterator[Fault]:
    """Beside a store, which may have some: files that nobody can open are of no use."""
    sink = _policy(wire, assembly).sink
    if sink.kind is SinkKind.AGE and not sink.recipients and assembly.known is not None:
        yield Fault(
            path=("spec", "sink", "recipients"),
            code=Code.SINK_FIELDS,
            message="a sink of kind age needs a recipient",
            advice="add recipients: and at least one public key, age1… or ssh-ed25519 …",
        )


def somebody_is_known(wire: PolicyWire, assembly: Assembly) -> Iterator[Fault]:
    """In mode oidc there is an issuer to ask, and in any mode a platform admin of that mode."""
    policy = _policy(wire, assembly)
    if policy.authorization is AuthorizationMode.OIDC and not policy.issuers:
        yield Fault(
            path=(*_AUTHORIZATION, "mode"),
            code=Code.NO_ISSUER,
            message="nobody could apply anything: mode oidc needs an issuer",
            advice="add issuers: with a url, an audience and principals",
        )
    elif policy.platform_admins and not any(map(policy.knows, policy.platform_admins)):
        mode = policy.authorization.value
        yield Fault(
            path=(*_AUTHORIZATION, "platformAdmins"),
            code=Code.NO_ADMIN,
            message=f"nobody could ever change this policy: in mode {mode} none of its "
            "platform admins is anybody",
            advice="name one as that mode knows them: local:<user>, or <issuer>:<principal> of "
            "the issuers here",
        )


def issuers_are_told_apart(wire: PolicyWire, assembly: Assembly) -> Iterator[Fault]:
    """No token is of two issuers: by its iss and aud it is clear whose it is."""
    del assembly
    first: dict[tuple[str, str], str] = {}
    for name, issuer in _issuers(wire).items():
        before = first.setdefault((issuer.url, issuer.audience), name)
        if before != name:
            yield Fault(
                path=(*_ISSUERS, name),
                code=Code.ISSUER_SHARED,
                message=f"nobody could be known by {name}: {before} has its url and its audience, "
                "so a token would be of both",
                advice="put their principals under one of them, or give each an audience of its "
                "own",
                at_key=True,
            )


def principals_are_told_apart(wire: PolicyWire, assembly: Assembly) -> Iterator[Fault]:
    """Who has all claims of another principal is both of them, and so nobody."""
    del assembly
    for issuer, declared in _issuers(wire).items():
        for name in declared.principals:
            other = _also(name, declared.principals)
            if other is not None:
                yield Fault(
                    path=(*_ISSUERS, issuer, "principals", name),
                    code=Code.CLAIMS_SHARED,
                    message=f"{name} could never be known: its claims hold all those of {other}, "
                    "so a token of it would be of both",
                    advice=f"bind {other} to a claim that {name} does not have, such as another "
                    "environment",
                    at_key=True,
                )


def _also(name: str, principals: Mapping[str, Mapping[str, str]]) -> str | None:
    """Name whom a token of the principal speaks of as well; of two alike only the later one's."""
    names, own = list(principals), principals[name].items()
    for other, claims in principals.items():
        is_alike = claims.items() == own and names.index(other) < names.index(name)
        if is_alike or claims.items() < own:
            return other
    return None


def _issuers(wire: PolicyWire) -> Mapping[str, IssuerWire]:
    return wire.spec.authorization.issuers or {}


def _policy(wire: PolicyWire, assembly: Assembly) -> Policy:
    return policy_of(wire, Policy() if assembly.known is None else assembly.known.policy)


POLICY_RULES: Final[tuple[PolicyRule, ...]] = (
    sink_has_its_own_fields,
    age_has_a_recipient,
    somebody_is_known,
    issuers_are_told_apart,
    principals_are_told_apart,
)
