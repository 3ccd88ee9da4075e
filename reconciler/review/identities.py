"""By whose word somebody is who a policy's bindings name: what a change of it lets in.

A name is known by the operating system, or by an identity token of an issuer with certain claims.
Fewer claims, fewer pinned keys, another issuer: somebody may be that name who was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.model.policy import AuthorizationMode, Issuer, Policy
from reconciler.model.verdict import Dimension, Shift
from reconciler.model.workspaces import LOCAL

Claims = frozenset[tuple[str, str]]
"""Each claim of a token with the text that it has to have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What proves that somebody is one name."""

    issuer: tuple[str, str, str] | None
    """Address, audience and algorithm; None: the operating system's word."""
    pinned: frozenset[str] = frozenset()
    """The only keys that are trusted; empty: whatever the issuer publishes."""
    claims: Claims = frozenset()

    def admits_beyond(self, other: Proof) -> bool:
        """Whether somebody may have this proof who does not have the other."""
        if self.issuer != other.issuer or not other.claims <= self.claims:
            return True
        return bool(other.pinned) and not (self.pinned and self.pinned <= other.pinned)


def identity_shift(old: Policy, new: Policy) -> Shift:
    """Say who may be known as somebody who was not, and the other way round."""
    before, after = dict(_proofs(old)), dict(_proofs(new))
    return Shift(
        dimension=Dimension.ADMINS,
        gained=tuple(_beyond(after, before)),
        lost=tuple(_beyond(before, after)),
    )


def _beyond(proofs: dict[str, Proof], others: dict[str, Proof]) -> Iterator[str]:
    for name, proof in sorted(proofs.items()):
        other = others.get(name)
        if other is None or proof.admits_beyond(other):
            yield f"{name}: {_words(proof)}"


def _proofs(policy: Policy) -> Iterator[tuple[str, Proof]]:
    match policy.authorization:
        case AuthorizationMode.LOCAL:
            yield f"{LOCAL}:*", Proof(issuer=None)
        case AuthorizationMode.OIDC:
            for issuer in policy.issuers:
                yield from _of_issuer(issuer)


def _of_issuer(issuer: Issuer) -> Iterator[tuple[str, Proof]]:
    for principal in issuer.principals:
        yield (
            f"{issuer.name}:{principal.name}",
            Proof(
                issuer=(issuer.url, issuer.audience, issuer.algorithm.value),
                pinned=frozenset(issuer.keys),
                claims=frozenset(principal.claims),
            ),
        )


def _words(proof: Proof) -> str:
    if proof.issuer is None:
        return "whoever the operating system says they are"
    url, audience, _ = proof.issuer
    keys = " signed by a pinned key" if proof.pinned else ""
    return f"any token of {url} for {audience}{keys} with {_listed(proof.claims)}"


def _listed(claims: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(claims))
