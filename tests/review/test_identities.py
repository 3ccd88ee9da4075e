"""By whose word somebody is known: what lets in more, and what less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.policy import AuthorizationMode, BoundPrincipal, Issuer, SigningAlgorithm
from reconciler.review.identities import identity_shift
from tests.fakes.world import policy

CLAIMS = (("ref", "refs/heads/main"), ("repository_id", "1"))
ISSUER = Issuer(
    name="github",
    url="https://token.actions.githubusercontent.com",
    audience="keyrec",
    principals=(BoundPrincipal(name="apply", claims=CLAIMS),),
)


def shift(old: Issuer, new: Issuer) -> tuple[bool, bool]:
    """Give whether somebody gains, and whether somebody loses."""
    found = identity_shift(
        policy(authorization=AuthorizationMode.OIDC, issuers=(old,)),
        policy(authorization=AuthorizationMode.OIDC, issuers=(new,)),
    )
    return bool(found.gained), bool(found.lost)


def with_claims(*claims: tuple[str, str]) -> Issuer:
    """Give the issuer with other claims of its one principal."""
    return replace(ISSUER, principals=(BoundPrincipal(name="apply", claims=claims),))


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (ISSUER, (False, False)),
        (with_claims(CLAIMS[1]), (True, False)),
        (with_claims(*CLAIMS, ("environment", "keys")), (False, True)),
        (with_claims(("ref", "refs/heads/any"), CLAIMS[1]), (True, True)),
        (replace(ISSUER, audience="anybody"), (True, True)),
        (replace(ISSUER, algorithm=SigningAlgorithm.ES256), (True, True)),
        (replace(ISSUER, keys=("thumb",)), (False, True)),
        (replace(ISSUER, principals=()), (False, True)),
    ],
    ids=["same", "fewer", "more", "other", "audience", "algorithm", "pinned", "nobody"],
)
def test_what_a_changed_issuer_lets_in(new: Issuer, expected: tuple[bool, bool]) -> None:
    """A token with all the claims of before and one more is one of before."""
    assert shift(ISSUER, new) == expected
    assert shift(new, ISSUER) == (expected[1], expected[0])


def test_other_pinned_keys_let_in_and_shut_out() -> None:
    """More keys let in more; another one both."""
    one, two = replace(ISSUER, keys=("a",)), replace(ISSUER, keys=("a", "b"))
    assert shift(one, two) == (True, False)
    assert shift(one, replace(ISSUER, keys=("b",))) == (True, True)


def test_from_tokens_to_the_operating_systems_word() -> None:
    """Somebody is known now who was not, and nobody by a token any more."""
    found = identity_shift(
        policy(authorization=AuthorizationMode.OIDC, issuers=(ISSUER,)), policy()
    )
    assert found.gained == ("local:*: whoever the operating system says they are",)
    (lost,) = found.lost
    assert lost == (
        "github:apply: any token of https://token.actions.githubusercontent.com for keyrec with "
        "ref refs/heads/main, repository_id 1"
    )
