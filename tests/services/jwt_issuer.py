"""An issuer of JWTs for tests of logins, with a key made by the openssl program."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.programs import needs


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtIssuer:
    """Signs with RS256."""

    key: Path

    @property
    def public_key(self) -> str:
        """Give the key that a verifier is told."""
        return _openssl("pkey", "-in", str(self.key), "-pubout").decode()

    def signed(self, **claims: Any) -> str:
        """Give a token with these claims."""
        head = {"alg": "RS256", "typ": "JWT"}
        content = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        signature = _openssl("dgst", "-sha256", "-sign", str(self.key), given=content.encode())
        return f"{content}.{_encoded(signature)}"


def new_issuer(folder: Path) -> JwtIssuer:
    """Make an issuer with a fresh key in a folder."""
    key = folder / "issuer.key"
    _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(key))
    return JwtIssuer(key=key)


def _openssl(*arguments: str, given: bytes = b"") -> bytes:
    command = [needs("openssl"), *arguments]
    return subprocess.run(command, input=given, check=True, capture_output=True).stdout


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
