"""How a secret is stored: argon2id over the full text of the key, optionally peppered.

Compatibility: the stored text is a PHC string, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. With a
pepper it is `pepper:<pepper id>` directly before that string, and argon2 is given the HMAC-SHA-256
of the key's text under the pepper instead of the text. Profiles may change at any time: the
parameters are in the string. What does not live here: who may ask, and what a match allows.

No error of this module chains another library's exception or keeps its frames: they would hold the
secret.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from argon2.exceptions import HashingError, VerificationError, VerifyMismatchError
from argon2.low_level import Type, hash_secret, verify_secret

from reconciler.errors import HashingFailed
from reconciler.model.frames import without_frames
from reconciler.model.policy import HashProfile
from reconciler.model.secret import Secret
from reconciler.ports import Entropy

SALT_LENGTH = 22
"""Base62 digits: 131 bits."""
HASH_LENGTH = 32
SHORTEST_PEPPER = 32

_STORED = re.compile(
    r"(?:pepper:(?P<pepper_id>[a-z0-9-]{1,32}))?"
    r"(?P<phc>\$argon2id\$v=19\$m=(?P<m>[1-9][0-9]{0,9}),t=(?P<t>[1-9][0-9]{0,9}),p=(?P<p>[1-9][0-9]{0,3})"
    r"\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,})",
    re.ASCII,
)
_MOST = {"m": 1024 * 1024, "t": 64, "p": 16}
"""More than this (1 GiB of memory) no profile asks for: who wrote it wants the check to fail."""
_PEPPER_ID = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What argon2id costs; memory in KiB."""

    time: int
    memory: int
    parallelism: int


PROFILES = {
    HashProfile.TOKEN: Parameters(time=1, memory=1024, parallelism=1),
    HashProfile.OWASP: Parameters(time=2, memory=19456, parallelism=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pepper:
    """A key kept outside the store, without which a stolen hash cannot even be guessed at."""

    pepper_id: str
    """`[a-z0-9-]`, at most 32; stored with every hash that was made with it."""
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what would be stored wrongly or protect nothing; the key is not repeated."""
        if _PEPPER_ID.fullmatch(self.pepper_id) is None:
            raise ValueError("a pepper id holds 1 to 32 of a-z, 0-9 and -")
        if len(self.key) < SHORTEST_PEPPER:
            raise ValueError(f"a pepper holds at least {SHORTEST_PEPPER} bytes")


def hash_key(
    secret: Secret, *, entropy: Entropy, profile: HashProfile, pepper: Pepper | None = None
) -> str:
    """Give the text to store for a key; safe to call from many threads.

    Raises:
        HashingFailed: argon2 found no memory.
    """
    stored = _argon2(secret, entropy.base62(SALT_LENGTH), PROFILES[profile], pepper)
    if stored is None:
        raise HashingFailed(
            "argon2 could not hash a key",
            advice=f"profile {profile.value} wants {PROFILES[profile].memory} KiB for each key "
            "that is hashed at the same time: give more memory or lower the parallelism",
        )
    return stored if pepper is None else f"pepper:{pepper.pepper_id}{stored}"


def verify(stored: str, secret: Secret, *, peppers: Sequence[Pepper] = ()) -> bool:
    """Whether the secret is the one that was hashed; constant time where it matters.

    Raises:
        HashingFailed: the stored text is damaged, its pepper is not among `peppers`, or argon2
            found no memory. Never a word about the secret.
    """
    form = _STORED.fullmatch(stored)
    if form is None or any(int(form[name]) > most for name, most in _MOST.items()):
        raise _damaged()
    pepper = _pepper_of(form["pepper_id"], peppers)
    is_match = _matches(form["phc"], secret, pepper)
    if is_match is None:
        raise _damaged()
    return is_match


def needs_rehash(stored: str, *, profile: HashProfile, pepper: Pepper | None = None) -> bool:
    """Whether the stored text was made with other parameters or another pepper than today's.

    Raises:
        HashingFailed: the stored text is damaged.
    """
    form = _STORED.fullmatch(stored)
    if form is None:
        raise _damaged()
    used = Parameters(time=int(form["t"]), memory=int(form["m"]), parallelism=int(form["p"]))
    wanted_id = None if pepper is None else pepper.pepper_id
    return used != PROFILES[profile] or form["pepper_id"] != wanted_id


def _argon2(secret: Secret, salt: str, parameters: Parameters, pepper: Pepper | None) -> str | None:
    """Give the PHC string; None where argon2 fails, so that no frame of it is chained."""
    try:
        phc = hash_secret(
            secret=_material(secret, pepper),
            salt=salt.encode("ascii"),
            time_cost=parameters.time,
            memory_cost=parameters.memory,
            parallelism=parameters.parallelism,
            hash_len=HASH_LENGTH,
            type=Type.ID,
        )
    except HashingError:
        return None
    except BaseException as fault:  # noqa: BLE001 - it is raised again, without its frames
        raise without_frames(fault) from None
    return phc.decode("ascii")


def _matches(phc: str, secret: Secret, pepper: Pepper | None) -> bool | None:
    """Whether it matches; None where argon2 cannot say, so that no frame of it is chained."""
    try:
        return verify_secret(phc.encode("ascii"), _material(secret, pepper), Type.ID)
    except VerifyMismatchError:
        return False
    except VerificationError:
        return None
    except BaseException as fault:  # noqa: BLE001 - it is raised again, without its frames
        raise without_frames(fault) from None


def _material(secret: Secret, pepper: Pepper | None) -> bytes:
    """Give what argon2 is given; nothing of it is kept in a variable."""
    if pepper is None:
        return secret.reveal().encode()
    return hmac.digest(pepper.key, secret.reveal().encode(), "sha256")


def _pepper_of(pepper_id: str | None, peppers: Sequence[Pepper]) -> Pepper | None:
    if pepper_id is None:
        return None
    for pepper in peppers:
        if pepper.pepper_id == pepper_id:
            return pepper
    raise HashingFailed(
        f"a stored hash was made with the pepper {pepper_id!r}, which is not configured",
        advice="configure that pepper again, beside the newer one, until every key was rotated",
    )


def _damaged() -> HashingFailed:
    return HashingFailed(
        "a stored hash is damaged: no secret can be checked against it",
        advice="rotate the key to store a new one, and find out who or what changed the store",
    )
