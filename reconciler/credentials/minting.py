"""How a new key comes to be: chance put into the grammar of `model/token.py`.

What does not live here: hashing it, sending it to the sink, deciding that one is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.secret import Secret
from reconciler.model.token import (
    ID_LENGTH,
    SECRET_LENGTH,
    ParsedToken,
    compose,
    last_characters,
    parse,
)
from reconciler.ports import Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A key that exists so far in this process's memory alone."""

    version_id: str
    api_key: Secret
    last_characters: str


def mint(entropy: Entropy, *, prefix: str, environment: str) -> Minted:
    """Draw a new key: 12 digits name its version, 43 digits (256 bits) are its secret.

    Raises:
        ValueError: prefix or environment are not of the grammar; a key that its own parser
            refuses must never reach the sink.
    """
    version_id = entropy.base62(ID_LENGTH)
    api_key = compose(
        prefix=prefix,
        environment=environment,
        version_id=version_id,
        secret=entropy.base62(SECRET_LENGTH),
    )
    minted = Minted(
        version_id=version_id, api_key=api_key, last_characters=last_characters(api_key)
    )
    wanted = ParsedToken(
        prefix=prefix,
        environment=environment,
        version_id=version_id,
        last_characters=minted.last_characters,
    )
    if parse(api_key.reveal()) != wanted:
        raise ValueError("a key needs a prefix of [a-z]{2,8} and an environment of [a-z0-9]{1,16}")
    return minted
