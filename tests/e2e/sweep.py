"""Looks for secrets wherever they must not be, in every dress that they may wear."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path

SECRET_PART = 43


class Sweep:
    """Knows secrets, and finds each of them in texts and files."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Prepare every form of every secret: the complete key and its secret part alone."""
        self._forms = {form for secret in secrets for form in _forms(secret)}

    def is_found_in(self, content: bytes) -> bool:
        """Whether any secret stands in the content, in any form."""
        return any(form in content for form in self._forms)

    def files_with_secrets(self, folder: Path) -> list[str]:
        """Name the files below a folder that hold a secret, or have one in their name."""
        return sorted(
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if self.is_found_in(str(path).encode())
            or (path.is_file() and self.is_found_in(path.read_bytes()))
        )


def _forms(secret: str) -> Iterator[bytes]:
    for text in (secret, secret.split("_")[3][:SECRET_PART]):
        raw = text.encode()
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        yield urllib.parse.quote(text).encode()
        yield from _in_base64(raw)


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """Give the stable middle of its base64 forms at each of the three offsets."""
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * offset + raw)
            yield encoded[4:-4]
