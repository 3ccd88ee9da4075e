"""The key that an issuer signed with: found by its id, among the keys that the policy trusts.

Keys come from what the issuer publishes at its own address, kept for an hour on disk; an id that is
not among the kept ones, or a signature that is not by the kept key of that id, lets the issuer be
asked once more. Or they come from a file that the configuration names: whoever can change that
could bring keys of their own, so it is believed only where the policy lists thumbprints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from reconciler.adapters.issuer_key import IssuerKey, keys_in
from reconciler.adapters.key_cache import KeyCache
from reconciler.adapters.web_get import NoAnswer, get, is_plain
from reconciler.config import IdentitySettings
from reconciler.errors import IdentityRefused
from reconciler.model.policy import Issuer

_LARGEST_FILE = 256 * 1024
_WELL_KNOWN = "/.well-known/openid-configuration"

KeySet: TypeAlias = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class IssuerKeys:
    """The keys of all issuers."""

    file: str | None = None
    cache: KeyCache | None = None
    now: datetime

    @classmethod
    def of(cls, settings: IdentitySettings, now: datetime) -> IssuerKeys:
        """Take them from where the settings say."""
        folder = settings.cache_folder
        cache = None if folder is None else KeyCache(folder=Path(folder))
        return cls(file=settings.jwks_file, cache=cache, now=now)

    def keys(self, issuer: Issuer, kid: str) -> Iterator[IssuerKey]:
        """Give the issuer's key of that id; one more where the first does not fit and the issuer,
        asked then, has another one under the same id.

        Raises:
            IdentityRefused: there is none, it is not trusted, or the issuer cannot be asked.
        """
        given: set[str] = set()
        unpinned = False
        for key_set in self._sets(issuer):
            found = keys_in(key_set, kid, issuer.algorithm)
            trusted = [k for k in found if not issuer.keys or k.thumbprint in issuer.keys]
            if len(trusted) > 1:
                raise _ambiguous(issuer)
            unpinned = bool(found) and not trusted
            for key in trusted:
                if key.thumbprint not in given:
                    given.add(key.thumbprint)
                    yield key
        if unpinned or not given:
            raise _unpinned(issuer) if unpinned else _unknown(issuer)

    def _sets(self, issuer: Issuer) -> Iterator[KeySet]:
        """Give the keys that are at hand, then those that the issuer publishes now."""
        if self.file is not None:
            yield _from_file(self.file, issuer)
            return
        kept = None if self.cache is None else self.cache.load(issuer.url, self.now)
        if kept is not None:
            yield kept
        fetched = _fetched(issuer)
        if self.cache is not None:
            self.cache.save(issuer.url, fetched, self.now)
        yield fetched


def _from_file(name: str, issuer: Issuer) -> KeySet:
    if not issuer.keys:
        raise IdentityRefused(
            f"The file {name} is not believed: the policy lists no thumbprints for {issuer.name}.",
            advice="Take identity.jwksFile out, or let a platform admin list them as keys.",
        )
    try:
        with Path(name).open("rb") as opened:
            found = _object(opened.read(_LARGEST_FILE))
    except OSError:
        found = None
    if found is None:
        raise IdentityRefused(
            f"The file {name} cannot be read or holds no JSON Web Key Set.",
            advice="Write the issuer's keys into it, as its jwks_uri gives them.",
        )
    return found


def _fetched(issuer: Issuer) -> KeySet:
    """Ask the issuer where its keys are, then for them."""
    about = _asked(issuer, issuer.url.removesuffix("/") + _WELL_KNOWN, "configuration")
    if about.get("issuer") != issuer.url:
        raise _unusable(issuer, "configuration", "it names another issuer than the policy does")
    place = about.get("jwks_uri")
    if not isinstance(place, str):
        raise _unusable(issuer, "configuration", "it does not say where the keys are")
    if is_plain(place) and not is_plain(issuer.url):
        raise _unusable(issuer, "keys", "they are offered by plain http")
    return _asked(issuer, place, "keys")


def _asked(issuer: Issuer, url: str, what: str) -> KeySet:
    answer = get(url)
    if isinstance(answer, NoAnswer):
        raise _unusable(issuer, what, answer.reason)
    document = _object(answer)
    if document is None:
        raise _unusable(issuer, what, "its answer is no JSON object")
    return document


def _object(content: bytes) -> KeySet | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _unusable(issuer: Issuer, what: str, reason: str) -> IdentityRefused:
    return IdentityRefused(
        f"The {what} of the issuer {issuer.name} cannot be used: {reason}.",
        advice="Check that this machine reaches the policy's url; where it must not, name a file "
        "in identity.jwksFile and list thumbprints in the policy.",
    )


def _unknown(issuer: Issuer) -> IdentityRefused:
    return IdentityRefused(
        f"{issuer.name} has no {issuer.algorithm.value} key of the id that the token names (kid).",
        advice="Have a new token; where keys stand in a file, write the issuer's new ones into it.",
    )


def _unpinned(issuer: Issuer) -> IdentityRefused:
    return IdentityRefused(
        f"The token's key is not among those that the policy trusts of {issuer.name}.",
        advice="Where the issuer has a new key, a platform admin adds its thumbprint to keys.",
    )


def _ambiguous(issuer: Issuer) -> IdentityRefused:
    return IdentityRefused(
        f"{issuer.name} has more than one key of the id that the token names (kid).",
        advice="List the thumbprint of the one that counts in the policy's keys.",
    )
