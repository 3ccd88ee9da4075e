"""One public key of a JSON Web Key Set: whether it can be used at all, and its thumbprint.

A key is taken for one algorithm, by its type and curve; what a set says beside that can only narrow
it. A shared key (`oct`) and one that is too short are never taken.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

from reconciler.model.policy import SigningAlgorithm

SHORTEST_RSA = 2048
"""Bits."""
PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}
"""What makes a key of each type, in the order of RFC 7638."""
_FORMS: Final[Mapping[SigningAlgorithm, tuple[str, str | None]]] = {
    SigningAlgorithm.RS256: ("RSA", None),
    SigningAlgorithm.PS256: ("RSA", None),
    SigningAlgorithm.ES256: ("EC", "P-256"),
    SigningAlgorithm.EDDSA: ("OKP", "Ed25519"),
}
"""Type and curve of the keys of each algorithm."""
_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,1400}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerKey:
    """A key that an issuer may have signed with."""

    kid: str
    thumbprint: str
    """RFC 7638, SHA-256, base64url."""
    public: PublicKey = field(repr=False)


def keys_in(document: object, kid: str, algorithm: SigningAlgorithm) -> tuple[IssuerKey, ...]:
    """Give the keys of a set that have that id and fit the algorithm, each once."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    entries = listed if isinstance(listed, list) else []
    named = (e for e in entries if isinstance(e, Mapping) and e.get("kid") == kid)
    found = {key.thumbprint: key for entry in named for key in _usable(entry, kid, algorithm)}
    return tuple(found.values())


def thumbprint(members: Mapping[str, str]) -> str:
    """Give the thumbprint of what makes a key."""
    text = json.dumps(dict(members), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _usable(entry: Mapping[str, Any], kid: str, algorithm: SigningAlgorithm) -> Iterator[IssuerKey]:
    members = _members(entry, algorithm)
    if members is None or not _is_for_signatures(entry, algorithm):
        return
    public = _public(members)
    if public is not None:
        yield IssuerKey(kid=kid, thumbprint=thumbprint(members), public=public)


def _members(entry: Mapping[str, Any], algorithm: SigningAlgorithm) -> dict[str, str] | None:
    """Take from an entry what makes its key, and nothing else; None where it does not fit."""
    kind, curve = _FORMS[algorithm]
    members = {name: entry.get(name) for name in _MEMBERS[kind]}
    if members["kty"] != kind or members.get("crv") != curve:
        return None
    texts = {n: t for n, t in members.items() if isinstance(t, str) and _NUMBER.fullmatch(t)}
    return texts if len(texts) == len(members) else None


def _is_for_signatures(entry: Mapping[str, Any], algorithm: SigningAlgorithm) -> bool:
    """Whether what the set says of the key's use does not forbid ours."""
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm.value) == algorithm.value
        and isinstance(operations, list)
        and "verify" in operations
    )


def _public(members: dict[str, str]) -> PublicKey | None:
    """Make the key; None where the numbers make none, or a weak one."""
    try:
        match members["kty"]:
            case "RSA":
                key: object = RSAAlgorithm.from_jwk(members)
            case "EC":
                key = ECAlgorithm.from_jwk(members)
            case _:
                key = OKPAlgorithm.from_jwk(members)
    except (PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, RSAPublicKey):
        return key if key.key_size >= SHORTEST_RSA else None
    return key if isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey) else None
