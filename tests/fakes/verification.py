"""A store as a verifier sees it, in memory, that counts what it is asked; and a clock to turn."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from reconciler.credentials.hashing import hash_key
from reconciler.errors import StoreUnavailable
from reconciler.model.keys import KeyFields, KeyRecord, KeyVersion
from reconciler.model.policy import HashProfile
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog
from reconciler.model.secret import Secret
from reconciler.model.token import compose
from reconciler.model.uses import UseReport
from reconciler.ports import StoredVersion
from reconciler.verification.doors import Changes, Issued, StoreMark
from tests.credentials.examples import FIELDS, RECORD, VERSION
from tests.fakes.system import START, FakeEntropy


class FakeSteady:
    """A steady clock that moves only when told to."""

    def __init__(self) -> None:
        """Stand at a number that is not zero."""
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Give the seconds."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.seconds += seconds


@dataclass
class FakeVerificationStore:
    """Implements `VerificationStore`; tests issue and change keys in it."""

    steady: FakeSteady = field(default_factory=FakeSteady)
    catalog: ScopeCatalog = BUILT_IN_CATALOG
    hashing: HashProfile = HashProfile.TOKEN
    behind: timedelta = timedelta(0)
    is_down: bool = False
    gate: threading.Event | None = None
    """Where it is set, reading rows waits for it."""
    looks: int = 0
    queries: list[tuple[str, ...]] = field(default_factory=list)
    reports: list[UseReport] = field(default_factory=list)
    rows: dict[str, StoredVersion] = field(default_factory=dict)
    store_id: str = "store-1"
    _changed: list[str] = field(default_factory=list)
    _entropy: FakeEntropy = field(default_factory=FakeEntropy)

    def issue(
        self, *, environment: str = "prod", profile: HashProfile = HashProfile.TOKEN, **parts: Any
    ) -> Secret:
        """Make a key; `fields`, `record`, `version`: what differs from the example."""
        number = len(self.rows) + 1
        version_id = self._entropy.base62(12)
        secret = compose(
            prefix="krk",
            environment=environment,
            version_id=version_id,
            secret=self._entropy.base62(43),
        )
        version = replace(VERSION, version_id=version_id, **parts.get("version", {}))
        record = replace(
            RECORD,
            key_id=f"key-{number}",
            fields=replace(FIELDS, environment=environment, **parts.get("fields", {})),
            versions=(version,),
            **parts.get("record", {}),
        )
        hashed = hash_key(secret, entropy=self._entropy, profile=profile)
        self.rows[version_id] = StoredVersion(record=record, version=version, secret_hash=hashed)
        self._changed.append(record.key_id)
        return secret

    def change(
        self,
        secret: Secret,
        *,
        fields: dict[str, Any] | None = None,
        record: dict[str, Any] | None = None,
        version: dict[str, Any] | None = None,
    ) -> None:
        """Change a key in a transaction of its own."""
        version_id = secret.reveal().split("_")[2]
        stored = self.rows[version_id]
        new_version: KeyVersion = replace(stored.version, **(version or {}))
        new_fields: KeyFields = replace(stored.record.fields, **(fields or {}))
        new_record: KeyRecord = replace(
            stored.record, fields=new_fields, versions=(new_version,), **(record or {})
        )
        self.rows[version_id] = replace(stored, record=new_record, version=new_version)
        self._changed.append(stored.record.key_id)

    def restore(self, sequence: int) -> None:
        """Become an older copy of the store: what came after that event never was."""
        del self._changed[sequence:]
        self._changed.append("of another history")

    def mark(self) -> StoreMark:
        """Give the state of now."""
        return StoreMark(
            store_id=self.store_id,
            sequence=len(self._changed),
            head=self._head(len(self._changed)),
            now=START + timedelta(seconds=self.steady() - 1000.0),
            behind=self.behind,
        )

    def changes(self, since: StoreMark | None) -> Changes:
        """Say what changed."""
        self._require_up()
        self.looks += 1
        mark = self.mark()
        changed = None
        if since is not None and self._head(since.sequence) == since.head:
            changed = frozenset(self._changed[since.sequence :])
        return Changes(mark=mark, key_ids=changed, catalog=self.catalog, hashing=self.hashing)

    def issued(self, version_ids: Sequence[str]) -> Issued:
        """Give rows."""
        mark = self.mark()
        found = {v: self.rows[v] for v in version_ids if v in self.rows}
        self.queries.append(tuple(version_ids))
        if self.gate is not None:
            self.gate.wait(30)
        self._require_up()
        return Issued(mark=mark, versions=found)

    def replace_hash(self, version_id: str, *, old: str, new: str) -> bool:
        """Store another hash."""
        stored = self.rows[version_id]
        if stored.secret_hash != old:
            return False
        self.rows[version_id] = replace(stored, secret_hash=new)
        return True

    def report_uses(self, report: UseReport) -> None:
        """Keep the report."""
        self._require_up()
        self.reports.append(report)

    def wait(self, seconds: float) -> bool:
        """Hear nothing."""
        threading.Event().wait(min(seconds, 0.01))
        return False

    def stop_waiting(self) -> None:
        """Nobody waits for long."""

    def close(self) -> None:
        """Nothing is open."""

    def _head(self, sequence: int) -> str:
        """Give the hash of the history until an event."""
        return f"{sequence}:{hash(tuple(self._changed[:sequence])):x}"

    def _require_up(self) -> None:
        if self.is_down:
            raise StoreUnavailable("The store is down, for a test.")
