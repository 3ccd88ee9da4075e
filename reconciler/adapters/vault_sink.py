"""Secrets in a KV engine, version 2, of Vault or OpenBao: `SecretSink`.

One request for one write, always with check-and-set. Which calls may be sent is the matter of
`vault_place`, what answers mean of `vault_answers`, tokens of `vault_tokens`.

Compatibility: consumers read the fields of `_fields`; the anchor is the field `anchor` of
`<prefix>/_keyrec/anchor`; the identity's text is stored in policies and plans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from hvac.api.secrets_engines import KvV2

from reconciler.adapters.vault_answers import Answer, Failure, Success, Trouble
from reconciler.adapters.vault_errors import error_of
from reconciler.adapters.vault_preflight import preflight_of
from reconciler.adapters.vault_seen import is_deleted, is_destroyed, ours, version_seen
from reconciler.adapters.vault_session import Session
from reconciler.adapters.vault_timing import Timing
from reconciler.config import VaultSettings
from reconciler.errors import SinkOutcomeUnknown
from reconciler.model.canonical import instant
from reconciler.model.frames import without_frames
from reconciler.model.policy import SinkKind
from reconciler.ports import (
    CheckAndSetRefused,
    CheckResult,
    PathSeen,
    SecretPayload,
)

_ANCHOR_FIELD = "anchor"
Read = TypeVar("Read")


class VaultSink:
    """`SecretSink` over Vault; may be used from many threads at once."""

    kind = SinkKind.VAULT
    custody = ""

    def __init__(
        self,
        settings: VaultSettings,
        *,
        mount: str,
        prefix: str,
        parallelism: int,
        timing: Timing | None = None,
    ) -> None:
        """Nothing is sent yet; `mount` and `prefix` are the policy's.

        Raises:
            SinkMisconfigured: address, mount, prefix or certificates cannot be used.
        """
        self._session = Session(
            settings,
            mount=mount,
            prefix=prefix,
            parallelism=parallelism,
            timing=timing or Timing(),
        )
        self._place = self._session.place
        self._unread: set[str] = set()
        """Workspaces whose values may not be read: policies are given by workspace."""

    def identity(self) -> str:
        """Give `vault:`, the cluster's id, the namespace where there is one, mount and prefix."""
        return self._session.identity()

    def preflight(self) -> tuple[CheckResult, ...]:
        """Ask for health, engine, lasting of versions, rights and token; nothing is written."""
        return preflight_of(self._session)

    def write(
        self, path: str, payload: SecretPayload, *, expected: int
    ) -> int | CheckAndSetRefused:
        """Send one check-and-set write."""
        below = self._place.below(path)
        answer = _unframed(
            lambda: self._session.changing(
                lambda api: api.create_or_update_secret(
                    below, _fields(payload), cas=int(expected), mount_point=self._place.mount
                )
            )
        )
        return _written(answer, path, expected)

    def observe(self, path: str) -> PathSeen:
        """Read the path's metadata, and its value unless Vault denied that before for one of the
        same workspace.
        """
        below = self._place.below(path)
        answer = self._session.repeatable(
            lambda api: api.read_secret_metadata(below, mount_point=self._place.mount)
        )
        version = version_seen(answer, path)
        if version == 0 or is_destroyed(answer, version):
            return PathSeen(version=version, content=None, is_gone=version > 0)
        workspace = path.partition("/")[0]
        if workspace not in self._unread:
            seen = _unframed(lambda: self._looked_into(below, version))
            if seen is not None:
                return seen
            self._unread.add(workspace)
        return PathSeen(version=version, content=None, is_gone=is_deleted(answer, version))

    def destroy(self, path: str, versions: Sequence[int]) -> None:
        """Destroy the values of these versions; the path's metadata is never touched."""
        if not versions:
            self._place.below(path)
            return
        below = self._place.below(path)
        answer = self._session.repeatable(
            lambda api: api.destroy_secret_versions(
                below, list(versions), mount_point=self._place.mount
            )
        )
        if isinstance(answer, Failure) and answer.trouble is not Trouble.ABSENT:
            raise error_of(answer, f"destroying versions at {path}")

    def read_anchor(self) -> tuple[int, str]:
        """Give version and text of the anchor."""
        return _unframed(self._read_anchor)

    def _read_anchor(self) -> tuple[int, str]:
        answer = self._read(self._place.anchor, None)
        if isinstance(answer, Failure):
            if answer.trouble is not Trouble.ABSENT:
                raise error_of(answer, "reading the audit anchor")
            return self._deleted_anchor(), ""
        anchor = _anchor(answer.body)
        if anchor is None:
            raise error_of(Failure(trouble=Trouble.NOT_VAULT), "reading the audit anchor")
        return anchor

    def _deleted_anchor(self) -> int:
        """Give the version count of an anchor that is not there: above 0 where it was deleted.

        The right to read the metadata is not asked for: without it, none is taken to be there.
        """
        answer = self._session.repeatable(
            lambda api: api.read_secret_metadata(self._place.anchor, mount_point=self._place.mount)
        )
        if isinstance(answer, Failure) and answer.trouble is Trouble.DENIED:
            return 0
        return version_seen(answer, "the audit anchor")

    def write_anchor(self, text: str, *, expected: int) -> int | CheckAndSetRefused:
        """Write the anchor by check-and-set."""
        answer = self._session.changing(
            lambda api: api.create_or_update_secret(
                self._place.anchor,
                {_ANCHOR_FIELD: text},
                cas=int(expected),
                mount_point=self._place.mount,
            )
        )
        return _written(answer, "the audit anchor", expected)

    def close(self) -> None:
        """Revoke what was obtained, end the connections."""
        self._session.close()

    def _looked_into(self, below: str, version: int) -> PathSeen | None:
        """Read the version's value; None where Vault denies that."""
        answer = self._read(below, version)
        if isinstance(answer, Success):
            content = ours(answer.body.get("data"))
            return PathSeen(version=version, content=content, is_foreign=content is None)
        if answer.trouble is Trouble.ABSENT:
            return PathSeen(version=version, content=None, is_gone=True)
        if answer.trouble is not Trouble.DENIED:
            raise error_of(answer, f"reading {below}")
        return None

    def _read(self, below: str, version: int | None) -> Answer:
        read: Callable[[KvV2], Any] = lambda api: api.read_secret_version(  # noqa: E731 - short
            below,
            version=version,
            mount_point=self._place.mount,
            raise_on_deleted_version=True,
        )
        return self._session.repeatable(read)


def _unframed(work: Callable[[], Read]) -> Read:
    """Do what has plain text in its frames; an error, also a Ctrl-C, leaves without them."""
    try:
        return work()
    except BaseException as fault:  # noqa: BLE001 - it is raised again, without its frames
        raise without_frames(fault) from None


def _fields(payload: SecretPayload) -> dict[str, str | None]:
    return {
        "api_key": payload.api_key.reveal(),
        "key_id": payload.key_id,
        "version_id": payload.version_id,
        "workspace": payload.workspace,
        "name": payload.name,
        "environment": payload.environment,
        "created_at": instant(payload.created_at),
        "expires_at": instant(payload.expires_at),
    }


def _written(answer: Answer, path: str, expected: int) -> int | CheckAndSetRefused:
    if isinstance(answer, Failure):
        if answer.trouble is Trouble.CONFLICT:
            return CheckAndSetRefused()
        raise error_of(answer, f"writing {path}", changes=True)
    version = answer.body.get("version")
    if version != expected + 1:
        raise SinkOutcomeUnknown(
            f"Vault's answer to writing {path} does not name the next version.",
            advice="Check the policy's mount: it has to be a KV engine, version 2.",
        )
    return expected + 1


def _anchor(body: Mapping[str, Any]) -> tuple[int, str] | None:
    """Read version and text; a function of its own, as a stranger's value may be a secret. Where
    somebody else wrote there is a version, and no text.
    """
    metadata, fields = body.get("metadata"), body.get("data")
    version = metadata.get("version") if isinstance(metadata, dict) else None
    text = fields.get(_ANCHOR_FIELD) if isinstance(fields, dict) else None
    if not isinstance(version, int):
        return None
    return version, text if isinstance(text, str) else ""
