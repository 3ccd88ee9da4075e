"""Which presented texts were checked before, and how that went: identity alone, never a right.

An entry says that these bytes are, or are not, what stands behind one stored hash. It is found by
a keyed hash, whose key is drawn for this process and dies with it, so that neither a memory dump
nor another process can do anything with an entry. Whether the version behind it may still be used
is asked of the row each time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from reconciler.model.secret import Secret
from reconciler.model.token import ParsedToken
from reconciler.verification.bounded import Bounded

WRONG_ENTRIES = 1024
"""How many refused texts are remembered, so that one that is repeated costs one hash."""
_NAME_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How one text stood against one stored hash."""

    token: ParsedToken
    secret_hash: str
    is_match: bool


class Proofs:
    """The remembered proofs of one process."""

    def __init__(self, *, key: bytes, entries: int) -> None:
        """`key`: 32 to 64 random bytes, of this process alone."""
        self._keyed = hashlib.blake2b(key=key, digest_size=_NAME_BYTES)
        self._right: Bounded[bytes, Proof] = Bounded(entries)
        self._wrong: Bounded[bytes, Proof] = Bounded(WRONG_ENTRIES)

    def name(self, secret: Secret) -> bytes:
        """Give the name under which a text is remembered; of any text whatsoever.

        Keyed BLAKE2b of RFC 7693, the key taken in once: HMAC-SHA-256, of two hashes, says no more
        in nearly twice the time, and this is done on every call.
        """
        named = self._keyed.copy()
        named.update(secret.reveal().encode("utf-8", "surrogatepass"))
        return named.digest()

    def find(self, name: bytes) -> Proof | None:
        """Give what is known of a text."""
        return self._right.get(name) or self._wrong.get(name)

    def remember(self, name: bytes, proof: Proof) -> None:
        """Remember how a text stood last, and nothing else of it."""
        new, old = (self._right, self._wrong) if proof.is_match else (self._wrong, self._right)
        old.drop(name)
        new.put(name, proof)
