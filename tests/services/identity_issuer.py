"""An issuer of identity tokens on loopback: it publishes keys, signs claims, and can be bent.

A sound token of it is known as `github:apply`; tests of attacks change one thing at a time.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from reconciler.adapters.issuer_key import thumbprint
from reconciler.model.policy import BoundPrincipal, Issuer
from tests.services.canned import CannedServer, canned, replied

AUDIENCE = "keyrec"
CONFIGURATION, KEYS, REQUEST = "/.well-known/openid-configuration", "/keys", "/request"
CLAIMS = {
    "repository": "acme/platform-keys",
    "repository_id": "1234567",
    "ref": "refs/heads/main",
    "event_name": "push",
    "environment": "keys",
    "sub": "repo:acme/platform-keys:environment:keys",
}
"""What GitHub says of a job, in part."""
BOUND = BoundPrincipal(
    name="apply",
    claims=(("environment", "keys"), ("ref", "refs/heads/main"), ("repository_id", "1234567")),
)
_FAMILY: dict[str, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}


@functools.cache
def private_key(kind: str, name: str) -> Any:
    """Make a key once in a test run."""
    del name
    match kind:
        case "RSA":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        case "EC":
            return ec.generate_private_key(ec.SECP256R1())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def kind_of(algorithm: str) -> str:
    """Give the type of key by which an algorithm signs."""
    return {"ES256": "EC", "EdDSA": "OKP"}.get(algorithm, "RSA")


def jwk_of(kid: str, algorithm: str = "RS256") -> dict[str, str]:
    """Give the public key of that id as an issuer publishes it."""
    kind = kind_of(algorithm)
    written = _FAMILY[kind].to_jwk(private_key(kind, kid).public_key(), as_dict=True)
    members = {n: written[n] for n in ("kty", "n", "e", "crv", "x", "y") if n in written}
    return {**members, "kid": kid, "use": "sig", "alg": algorithm}


def thumbprint_of(kid: str, algorithm: str = "RS256") -> str:
    """Give the thumbprint by which a policy pins the key of that id."""
    key = jwk_of(kid, algorithm)
    return thumbprint({n: t for n, t in key.items() if n in {"kty", "n", "e", "crv", "x", "y"}})


def pem_of(kid: str) -> bytes:
    """Give a public key as text that anybody can have."""
    public = private_key("RSA", kid).public_key()
    written: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return written


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityIssuer:
    """Signs, and answers for its keys."""

    server: CannedServer

    @property
    def url(self) -> str:
        """Give its `iss`."""
        return self.server.address

    def policy(self, **changes: Any) -> Issuer:
        """Give how a policy trusts it."""
        made: dict[str, Any] = {"name": "github", "url": self.url, "audience": AUDIENCE}
        return Issuer(**{**made, "principals": (BOUND,), **changes})

    def publish(self, *keys: dict[str, str]) -> None:
        """Answer with these keys from now on."""
        about = {"issuer": self.url, "jwks_uri": f"{self.url}{KEYS}"}
        self.server.answer(CONFIGURATION, replied(about))
        self.server.answer(KEYS, replied({"keys": list(keys)}))

    def claims(self, now: datetime | None = None, **changes: Any) -> dict[str, Any]:
        """Give sound claims with changes; one that is changed to None is left out."""
        begun = now or datetime.now(timezone.utc)
        made = {
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": int(begun.timestamp()),
            "nbf": int(begun.timestamp()),
            "exp": int((begun + timedelta(minutes=5)).timestamp()),
            **CLAIMS,
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def token(self, now: datetime | None = None, **changes: Any) -> str:
        """Give a token with sound claims, changed so, signed by the published key."""
        return signed(self.claims(now, **changes))


def signed(
    claims: dict[str, Any],
    *,
    kid: str | None = "one",
    algorithm: str = "RS256",
    key: Any = None,
    **header: Any,
) -> str:
    """Sign claims with the key of that id, or with another."""
    named = header if kid is None else {"kid": kid, **header}
    chosen = key or private_key(kind_of(algorithm), kid or "one")
    return jwt.encode(claims, chosen, algorithm=algorithm, headers=named)


def forged(claims: dict[str, Any], signature: bytes = b"", **header: Any) -> str:
    """Put a token together by hand, as no library would."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in parts)


@contextlib.contextmanager
def identity_issuer() -> Iterator[IdentityIssuer]:
    """Run an issuer that publishes one key, for the length of a block."""
    with canned() as server:
        issuer = IdentityIssuer(server=server)
        issuer.publish(jwk_of("one"))
        yield issuer
