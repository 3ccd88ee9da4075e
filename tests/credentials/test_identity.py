"""Verified claims to a principal: each rule by itself, whatever was looked at before."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from reconciler.credentials.identity import RULES, NotBelieved, judged
from reconciler.model.policy import BoundPrincipal, Issuer

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
ISSUER = Issuer(
    name="github",
    url="https://issuer.example",
    audience="keyrec",
    principals=(BoundPrincipal(name="apply", claims=(("ref", "main"),)),),
)
SOUND = {"iss": ISSUER.url, "aud": "keyrec", "exp": NOW.timestamp() + 60, "ref": "main"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": "https://issuer.example/"}, "The token's iss is not the url of github."),
        ({"iss": None}, "The token's iss is not the url of github."),
        ({"aud": ["keyrec", "keyrec"]}, "The token's aud is not 'keyrec' and nothing else."),
        ({"aud": []}, "The token's aud is not 'keyrec' and nothing else."),
        ({"exp": NOW.timestamp() - 30}, "The token has expired (exp)."),
        ({"exp": 10**400}, "The token does not say when it ends (exp)."),
        ({"nbf": NOW.timestamp() + 30.5}, "The token does not count yet (nbf)."),
        ({"nbf": "soon"}, "The token does not count yet (nbf)."),
        ({"iat": None}, "The token does not count yet (iat)."),
    ],
)
def test_each_rule_is_enough_to_refuse(changes: dict[str, Any], said: str) -> None:
    """No rule counts on another one, nor on what was looked at before the signature."""
    found = judged(ISSUER, {**SOUND, **changes}, NOW)
    assert isinstance(found, NotBelieved)
    assert found.message == said
    assert found.advice
    assert len([r for r in RULES if r(ISSUER, {**SOUND, **changes}, NOW) is not None]) == 1


def test_sound_claims_are_believed_within_the_leeway_of_clocks() -> None:
    """Thirty seconds before the begin, and nearly as long after the end."""
    claims = {**SOUND, "nbf": NOW.timestamp(), "iat": NOW.timestamp(), "extra": ["x"]}
    for seconds in (-30, 0, 60, 89):
        assert judged(ISSUER, claims, NOW + timedelta(seconds=seconds)) == "github:apply"


def test_an_issuer_without_principals_knows_nobody() -> None:
    """A store can hold what no manifest can say."""
    found = judged(Issuer(name="a", url=ISSUER.url, audience="keyrec"), SOUND, NOW)
    assert isinstance(found, NotBelieved)
    assert "there is none" in found.message
