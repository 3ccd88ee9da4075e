"""A key at the command line: named, or read without being shown, and put to the decision."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from reconciler.bootstrap.doors import harden
from reconciler.bootstrap.workplace import Workplace
from reconciler.cli.knowing import changes_of, evidence_of
from reconciler.cli.names import find_address, refuse_token
from reconciler.credentials.access import present
from reconciler.credentials.damage import Damage, damage_of, hinted_id
from reconciler.credentials.explain import Explanation, explain, explain_stored
from reconciler.credentials.hashing import verify
from reconciler.credentials.verdict import Circumstances, Issuer
from reconciler.errors import NotFound, UsageError
from reconciler.manifest.schema_texts import NAME_PATTERN
from reconciler.model.keys import KeyRecord, KeyVersion
from reconciler.model.scopes import ScopeGrant
from reconciler.model.secret import Secret
from reconciler.model.states import ObservedState
from reconciler.model.token import ID_LENGTH, LAST_CHARACTERS
from reconciler.ports import KeyStore, StoredVersion

LONGEST_INPUT = 4096
_NAME = re.compile(rf"{NAME_PATTERN}(/{NAME_PATTERN})?", re.ASCII)
_ID = re.compile(rf"[0-9A-Za-z]{{{ID_LENGTH}}}", re.ASCII)
_LAST = re.compile(rf"[0-9A-Za-z]{{{LAST_CHARACTERS}}}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How the key is used."""

    address: str | None
    wanted: ScopeGrant | None
    environment: str | None

    @classmethod
    def read(cls, *, ip: str | None, scope: str | None, environment: str | None) -> Self:
        """Read the flags.

        Raises:
            UsageError: a scope without a level, or a key among the arguments.
        """
        for text in (ip, scope, environment):
            refuse_token(text or "")
        return cls(address=ip, wanted=_grant(scope), environment=environment)


def _grant(scope: str | None) -> ScopeGrant | None:
    if scope is None:
        return None
    grant = ScopeGrant.read(scope)
    if not (grant.resource and grant.level):
        raise UsageError(
            f"{scope!r} is no scope with a level.", advice="Write it as Webhooks:change."
        )
    return grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which key is meant where its secret is not presented; one of these, or none."""

    name: str | None
    version_id: str | None
    last: str | None

    @classmethod
    def read(cls, *, name: str | None, version_id: str | None, last: str | None) -> Self:
        """Read argument and flags. What does not have their form may be a piece of a secret, and
        is not repeated.

        Raises:
            UsageError: more than one of them, one without its form, or a complete key.
        """
        for text in (name, version_id, last):
            refuse_token(text or "")
        if sum(text is not None for text in (name, version_id, last)) > 1:
            raise UsageError(
                "The key is named twice.", advice="Give NAME, or --id, or --last, or none of them."
            )
        if name is not None and _NAME.fullmatch(name) is None:
            raise UsageError(
                "NAME is not the name of a key.",
                advice="Write it as workspace/name. A key itself belongs on stdin alone.",
            )
        if version_id is not None and _ID.fullmatch(version_id) is None:
            raise UsageError(
                f"--id takes the {ID_LENGTH} characters of a version id, and these are not.",
                advice="It is the third part of a key, also in logs. The key belongs on stdin.",
            )
        if last is not None and _LAST.fullmatch(last) is None:
            raise UsageError(
                f"--last takes the last {LAST_CHARACTERS} characters of a key, and these are not.",
                advice="`keyrec status` shows them behind `…`.",
            )
        return cls(name=name, version_id=version_id, last=last)

    @property
    def is_nothing(self) -> bool:
        """Whether the key itself has to be presented."""
        return (self.name, self.version_id, self.last) == (None, None, None)


def read_secret() -> Secret:
    """Read the key from stdin, or from a person without an echo; surrounding blanks do not count.

    Raises:
        UsageError: there is none.
    """
    harden()
    if sys.stdin.isatty():
        secret = Secret(getpass.getpass("Key (not shown): ", sys.stderr).strip())
    else:
        secret = Secret(sys.stdin.read(LONGEST_INPUT).strip())
    if not secret.reveal():
        raise UsageError(
            "There is no key on stdin.",
            advice="Pipe it in: vault kv get -field=api_key PATH | keyrec explain; or name it: "
            "keyrec explain NAME.",
        )
    return secret


def explained(place: Workplace, named: Named, use: Use) -> Explanation:
    """Put the key to the decision and explain it.

    Raises:
        NotFound: no key is named so, or more than one.
    """
    secret = read_secret() if named.is_nothing else None
    observed = place.observe()
    circumstances = Circumstances(
        now=observed.read_at,
        issuer=Issuer(prefix=place.settings.token_prefix, environment=use.environment),
        address=use.address,
        wanted=use.wanted,
        catalog=observed.catalog,
    )
    if secret is None:
        explanation = _of_named(place, observed, named, circumstances)
    else:
        explanation = _of_secret(place, observed, secret, circumstances)
    find = changes_of(place, observed, explanation)
    return explanation if find is None else explanation.with_changes(find)


def _of_secret(
    place: Workplace, observed: ObservedState, secret: Secret, at: Circumstances
) -> Explanation:
    store = place.store
    presented = present(secret, issuer=at.issuer, lookup=store.presented, verify=verify)
    record = None if presented.stored is None else presented.stored.record
    evidence = evidence_of(place, observed, record)
    return explain(presented, at, evidence, damage=_damage_of(store, secret))


def _damage_of(store: KeyStore, secret: Secret) -> Damage | None:
    kind = damage_of(secret.reveal())
    if kind is None:
        return None
    hint = hinted_id(secret.reveal())
    meant = None if hint is None else store.presented(hint)
    return Damage(kind=kind, meant=None if meant is None else meant.record)


def _of_named(
    place: Workplace, observed: ObservedState, named: Named, at: Circumstances
) -> Explanation:
    stored = _found(place.store, observed, named)
    return explain_stored(stored, at, evidence_of(place, observed, stored.record))


def _found(store: KeyStore, observed: ObservedState, named: Named) -> StoredVersion:
    if named.last is not None:
        version_id = _with_last(observed, named.last)
    elif named.name is not None:
        version_id = _newest_of(store, named.name)
    else:
        version_id = named.version_id or ""
    stored = store.presented(version_id)
    if stored is None:
        raise NotFound(
            f"No secret has the version id {version_id}.",
            advice="Check that this is the store which issued the key.",
        )
    return stored


def _newest_of(store: KeyStore, name: str) -> str:
    """Give the current version of a key, else its newest."""
    address = find_address(store, name)
    records = store.find(address)
    if not records:
        raise NotFound(f"There is no key {address}.", advice="`keyrec status` lists the keys.")
    record = records[0]
    newest = record.current or (record.versions[-1] if record.versions else None)
    if newest is None:
        raise NotFound(f"{address} has no secret yet.", advice="`keyrec apply` makes one.")
    return newest.version_id


def _with_last(observed: ObservedState, last: str) -> str:
    """Give the one version that ends so; several are listed."""
    found = list(_ending_in(observed, last))
    if len(found) == 1:
        return found[0][1].version_id
    if not found:
        raise NotFound(
            f"No key of this repository ends in …{last}.",
            advice="Secrets whose copies are gone are not searched: name the key, or give --id.",
        )
    listed = "; ".join(
        f"--id {version.version_id} is {record.address}, {version.state.value}"
        for record, version in found
    )
    raise NotFound(f"{len(found)} secrets end in …{last}.", advice=f"Say which one: {listed}.")


def _ending_in(observed: ObservedState, last: str) -> Iterator[tuple[KeyRecord, KeyVersion]]:
    for record in observed.records:
        for version in record.versions:
            if version.last_characters == last:
                yield record, version
