"""An identity token read before and after its signature was checked.

PyJWT reads and checks; its exceptions and frames hold the token, so that none of them leaves this
module: what is wrong is None. Which algorithm counts is said by the caller, never by the token, and
every one that can be said has a public key (`SigningAlgorithm`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from reconciler.adapters.issuer_key import PublicKey
from reconciler.credentials.identity import Claims
from reconciler.model.frames import without_frames
from reconciler.model.policy import SigningAlgorithm
from reconciler.model.secret import Secret

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What an unverified token says of itself: enough to find issuer and key, and no more."""

    algorithm: object
    kid: object
    issuer: object
    audience: object


def glance_at(token: Secret) -> Glance | None:
    """Look at a token before it is verified; None where it is none."""
    return _quietly(lambda: _glance(token))


def signed_claims(token: Secret, key: PublicKey, algorithm: SigningAlgorithm) -> Claims | None:
    """Give the claims that the key has signed by this algorithm; None where it has not."""
    return _quietly(lambda: _claims(token, key, algorithm))


def _glance(token: Secret) -> Glance:
    header = PyJWS().get_unverified_header(token.reveal())
    claims = _object(base64.urlsafe_b64decode(token.reveal().split(".")[1] + "=="))
    return Glance(
        algorithm=header.get("alg"),
        kid=header.get("kid"),
        issuer=claims.get("iss"),
        audience=claims.get("aud"),
    )


def _claims(token: Secret, key: PublicKey, algorithm: SigningAlgorithm) -> Claims:
    verified = PyJWS(options={"enforce_minimum_key_length": True}).decode_complete(
        token.reveal(), key=key, algorithms=[algorithm.value]
    )
    return _object(verified["payload"])


def _object(content: bytes) -> dict[str, Any]:
    document = json.loads(content)
    if not isinstance(document, dict):
        raise TypeError
    return document


def _quietly(read: Callable[[], Result]) -> Result | None:
    """Give what is read; None for whatever a text that is no such token can bring about."""
    try:
        return read()
    except (PyJWTError, ValueError, TypeError, LookupError, RecursionError, NotImplementedError):
        return None
    except BaseException as fault:  # noqa: BLE001 - it is raised again, without its frames
        raise without_frames(fault) from None
