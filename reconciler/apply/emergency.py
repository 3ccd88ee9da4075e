"""The doors that wait for nobody: hold, release, and the end of a leaked secret.

They need the store alone: no sink, no lease, no manifests; a dead run or a sealed vault cannot
keep a key alive. Rights are those for a change of the key; everything is audited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reconciler.apply.answers import refusal_words
from reconciler.apply.authorization import may_change, require_same_trust
from reconciler.apply.transactions import Transactions
from reconciler.errors import NotFound, Refused
from reconciler.model.audit import AuditNote
from reconciler.model.keys import RESTORED_HOLD, KeyAddress, KeyRecord, KeyStatus, KeyVersion
from reconciler.model.lifetime import VersionState
from reconciler.model.policy import Policy
from reconciler.model.workspaces import Principal
from reconciler.model.writes import HoldKey, ReleaseKey, RevokeVersion, Write
from reconciler.planning.actions import Reason
from reconciler.ports import Entropy, KeyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """The emergency doors, used in one principal's name."""

    store: KeyStore
    entropy: Entropy
    sleep: Callable[[float], None]
    principal: Principal
    policy: Policy
    """By which the principal was known."""
    manager: str
    """Whose stored bindings judge; records of other managers may be stopped too."""

    def hold(self, address: KeyAddress, reason: str) -> None:
        """Stop a key at once, with what it replaced; one that is held keeps its first hold.

        Raises:
            NotFound: there is no such key.
            Refused: the principal may not change it.
        """
        if reason == RESTORED_HOLD:
            raise Refused(
                "this reason is said of keys that an acknowledgement stops, and of no others",
                advice="say in other words why the key is stopped",
            )
        note = AuditNote(event="key-held", address=str(address), reason=reason)
        self._commit(
            HoldKey(key_id=record.key_id, reason=reason, note=note)
            for record in self._family(address)
        )

    def release(self, address: KeyAddress) -> None:
        """End a hold, a removed key's too.

        Raises:
            NotFound: there is no such key.
            Refused: the principal may not change it, or it is not held.
        """
        records = (*self._family(address), *self.store.find(address))
        held = {r.key_id: r for r in records if r.hold is not None}
        note = AuditNote(event="key-released", address=str(address), reason=Reason.REQUESTED.value)
        self._commit(ReleaseKey(key_id=key_id, note=note) for key_id in held or [records[0].key_id])

    def end_leaked(self, address: KeyAddress) -> tuple[str, ...]:
        """End every secret of a key, and of what it replaced, that still works; their ids.

        Raises:
            NotFound: there is no such key.
            Refused: the principal may not change it.
        """
        versions = [v for r in self._family(address) for v in r.versions if _may_work(v)]
        self._revoke(address, [v.version_id for v in versions])
        return tuple(v.version_id for v in versions)

    def end_leaked_version(self, version_id: str) -> KeyAddress:
        """End one secret by the id that a found token carries; the key that it belonged to.

        Raises:
            NotFound: no version has that id.
            Refused: the principal may not change its key.
        """
        stored = self.store.presented(version_id)
        if stored is None:
            raise NotFound(
                f"no version has the id {version_id}",
                advice="the id is the third part of the key's text, 12 characters",
            )
        self._authorize(stored.record.address)
        self._revoke(stored.record.address, [version_id])
        return stored.record.address

    def _revoke(self, address: KeyAddress, version_ids: Sequence[str]) -> None:
        writes = [
            RevokeVersion(
                version_id=version_id,
                note=AuditNote(
                    event="secret-leaked",
                    address=str(address),
                    reason=Reason.LEAKED.value,
                    detail=(("versionId", version_id),),
                ),
            )
            for version_id in version_ids
        ]
        if writes:
            self._commit(writes)

    def _family(self, address: KeyAddress) -> tuple[KeyRecord, ...]:
        """Give the key of the name, once the principal may change it, and what it replaced.

        The live key is meant, whatever else once had the name; where there is none, the newest.
        A key that was replaced by a reissue has secrets that work until their overlap ends.
        """
        records = self.store.find(address)
        if not records:
            raise NotFound(f"there is no key {address}", advice="keyrec status lists the keys")
        self._authorize(address)
        meant = next((r for r in records if r.status is KeyStatus.LIVE), records[0])
        older = self.store.family(frozenset({meant.key_id}))
        return (meant, *(r for r in older if r.key_id != meant.key_id))

    def _authorize(self, address: KeyAddress) -> None:
        observed = self.store.observe(self.manager)
        require_same_trust(self.policy, observed.policy)
        if not may_change(self.principal, address.workspace, observed):
            raise Refused(
                f"{self.principal} is no admin of the workspace {address.workspace} in the store",
                advice="ask an admin of the workspace, or a platform admin",
            )

    def _commit(self, writes: Iterable[Write]) -> None:
        """Run the writes; Refused where the first one, which is about the key itself, is."""
        transactions = Transactions(
            store=self.store,
            entropy=self.entropy,
            sleep=self.sleep,
            actor=self.principal,
            fence=None,
        )
        refusal = transactions.run(tuple(writes)).refusals[0]
        if refusal is not None:
            message, advice = refusal_words(refusal)
            raise Refused(message, advice=advice)


def _may_work(version: KeyVersion) -> bool:
    return version.state is not VersionState.RETIRED
