"""What the claims of an identity token have to say, and of whom they speak.

A list of one-rule functions, then the bound principals. The signature was checked before
(`adapters/signed_token.py`); here are values alone. What is said names claims, never what they
hold: a refused token is shown to nobody, not in parts either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from reconciler.model.policy import BoundPrincipal, Issuer
from reconciler.model.workspaces import Principal

LEEWAY = timedelta(seconds=30)
"""By how much the clocks of issuer and store may differ."""

Claims: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBelieved:
    """Why nobody is known by a token."""

    message: str
    advice: str


_Rule: TypeAlias = Callable[[Issuer, Claims, datetime], NotBelieved | None]


def judged(issuer: Issuer, claims: Claims, now: datetime) -> Principal | NotBelieved:
    """Give the principal that verified claims speak of, or why they speak of nobody."""
    for rule in RULES:
        fault = rule(issuer, claims, now)
        if fault is not None:
            return fault
    return bound_principal(issuer, claims)


def bound_principal(issuer: Issuer, claims: Claims) -> Principal | NotBelieved:
    """Give the one principal whose claims are all there, each as exactly that text."""
    differing = {p.name: _differing(p, claims) for p in issuer.principals}
    found = [name for name, names in differing.items() if not names]
    if len(found) == 1:
        return f"{issuer.name}:{found[0]}"
    if found:
        return NotBelieved(
            message=f"The token's claims are those of more than one principal of {issuer.name}: "
            f"{', '.join(found)}.",
            advice="Bind each principal in the Policy to a claim that no other one has.",
        )
    said = "; ".join(f"{name} by {', '.join(names)}" for name, names in differing.items())
    return NotBelieved(
        message=f"The token's claims are those of no principal of {issuer.name}; they differ from "
        f"{said or 'all, for there is none'}.",
        advice="Run the job that the Policy binds, or let a platform admin bind this one.",
    )


def _differing(principal: BoundPrincipal, claims: Claims) -> list[str]:
    """Name the claims that the token does not have as this text; a number is no text."""
    return [
        name
        for name, wanted in principal.claims
        if not isinstance(claims.get(name), str) or claims[name] != wanted
    ]


def _is_of_the_issuer(issuer: Issuer, claims: Claims, now: datetime) -> NotBelieved | None:
    del now
    if claims.get("iss") == issuer.url:
        return None
    return NotBelieved(
        message=f"The token's iss is not the url of {issuer.name}.",
        advice="Write the Policy's url as the token has it, to the letter: a slash counts.",
    )


def _is_for_us_alone(issuer: Issuer, claims: Claims, now: datetime) -> NotBelieved | None:
    """Whoever else a token is meant for could show it in its place, so there may be nobody else."""
    del now
    if claims.get("aud") in (issuer.audience, [issuer.audience]):
        return None
    return NotBelieved(
        message=f"The token's aud is not {issuer.audience!r} and nothing else.",
        advice="Ask for a token with the audience that the Policy names, and with no other.",
    )


def _has_not_expired(issuer: Issuer, claims: Claims, now: datetime) -> NotBelieved | None:
    del issuer
    end = _seconds(claims.get("exp"))
    if end is None:
        return NotBelieved(
            message="The token does not say when it ends (exp).",
            advice="Have one from the issuer that the Policy names; those always end.",
        )
    if now.timestamp() < end + LEEWAY.total_seconds():
        return None
    return NotBelieved(
        message="The token has expired (exp).",
        advice="Have a new one, and compare the clocks: keyrec doctor does.",
    )


def _has_begun(issuer: Issuer, claims: Claims, now: datetime) -> NotBelieved | None:
    del issuer
    latest = now.timestamp() + LEEWAY.total_seconds()
    for name in ("nbf", "iat"):
        begin = _seconds(claims[name]) if name in claims else latest
        if begin is None or begin > latest:
            return NotBelieved(
                message=f"The token does not count yet ({name}).",
                advice="Compare the clocks of the issuer and the store: keyrec doctor does.",
            )
    return None


def _seconds(value: object) -> float | None:
    """Give a time as seconds since 1970; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


RULES: Final[tuple[_Rule, ...]] = (
    _is_of_the_issuer,
    _is_for_us_alone,
    _has_not_expired,
    _has_begun,
)
