"""Opening store, sink, manifests and identity: which adapter stands behind which port.

Adapters are imported when they are opened: a command pays only for what it uses.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import IdentityRefused, KeyrecError

if TYPE_CHECKING:
    from reconciler.config import Settings
    from reconciler.manifest.remembered import Memory
    from reconciler.manifest.sharing import Sharing
    from reconciler.model.policy import Policy
    from reconciler.model.workspaces import Principal
    from reconciler.ports import Clock, Entropy, KeyStore, ManifestSource, SecretSink

PARALLELISM = 8


def open_store(settings: Settings) -> KeyStore:
    """Open the key store; whether its tables are ours is not asked yet.

    SQLite has no time of its own; a database server's is never replaced by this machine's.
    """
    from reconciler.adapters.sql_store import SqlStore

    url = settings.store.url.get_secret_value()
    return SqlStore(url, clock=clock() if is_file(settings) else None)


def is_file(settings: Settings) -> bool:
    """Whether the key store is a file on this machine."""
    return settings.store.url.get_secret_value().startswith("sqlite")


def open_sink(settings: Settings, policy: Policy, *, parallelism: int = PARALLELISM) -> SecretSink:
    """Open the sink that the policy pins.

    Raises:
        SinkMisconfigured: settings and policy do not make a sink.
    """
    from reconciler.model.policy import SinkKind

    pinned = policy.sink
    match pinned.kind:
        case SinkKind.AGE:
            from reconciler.adapters.age_sink import AgeSink

            return AgeSink(Path(settings.age.directory), recipients=pinned.recipients)
        case SinkKind.VAULT:
            from reconciler.adapters.vault_sink import VaultSink
            from reconciler.adapters.vault_trust import require_trusted

            require_trusted(settings.vault, policy)
            return VaultSink(
                settings.vault,
                mount=pinned.mount or "",
                prefix=pinned.prefix or "",
                parallelism=parallelism,
            )


def open_sink_or_say_why(
    settings: Settings, policy: Policy, *, parallelism: int = PARALLELISM
) -> SecretSink:
    """Open the sink, or give one that raises the reason when a secret is to be written."""
    from reconciler.bootstrap.absent_sink import AbsentSink

    try:
        return open_sink(settings, policy, parallelism=parallelism)
    except KeyrecError as error:
        return AbsentSink(policy.sink.kind, error)


def open_source(settings: Settings, revision: str | None = None) -> ManifestSource:
    """Open the manifests: of the working tree, or of a git revision."""
    root = Path(settings.root)
    places = [Path(os.path.relpath(place, root)).as_posix() for place in settings.manifests]
    if revision is None:
        from reconciler.adapters.directory_source import DirectorySource

        return DirectorySource(root, places)
    from reconciler.adapters.git_source import GitSource

    return GitSource(root, places, revision)


def open_memory(settings: Settings) -> Memory | None:
    """Open what is remembered of manifests; None where the user has no cache."""
    from reconciler.bootstrap.program_stamp import program_stamp

    if settings.cache_folder is None or (stamp := program_stamp()) is None:
        return None
    from reconciler.adapters.manifest_cache import ManifestCache

    return ManifestCache(Path(settings.cache_folder) / "manifests", stamp[:16])


def second_process() -> Sharing:
    """Give what lends another process for reading manifests."""
    from reconciler.adapters.second_process import SecondProcess

    return SecondProcess()


def principal() -> Principal:
    """Give who runs this, in mode `local`."""
    from reconciler.adapters.local_identity import LocalIdentity

    return LocalIdentity().principal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Somebody, and by what they are known."""

    principal: Principal
    source: str
    """For people."""


def known(settings: Settings, policy: Policy, now: Callable[[], datetime]) -> Known:
    """Give who runs this, known as a policy wants it, and in no other way; `now` by the store.

    Raises:
        IdentityRefused: the policy wants an identity token, and there is none to believe.
    """
    from reconciler.model.policy import AuthorizationMode

    match policy.authorization:
        case AuthorizationMode.LOCAL:
            return Known(principal=principal(), source="the user of the operating system")
        case AuthorizationMode.OIDC:
            return _known_by_token(settings, policy, now)


def _known_by_token(settings: Settings, policy: Policy, now: Callable[[], datetime]) -> Known:
    try:
        from reconciler.adapters.oidc_identity import TokenIdentity
    except ImportError:
        raise IdentityRefused(
            "The stored policy knows people by an identity token (mode oidc), and what verifies "
            "one is not installed.",
            advice="Install keyrec with its extra: pip install 'keyrec[oidc]'.",
        ) from None
    identity = TokenIdentity(settings.identity, policy.issuers, now=now)
    return Known(
        principal=identity.principal(), source=f"by the identity token of {identity.origin()}"
    )


def holder(principal: Principal) -> str:
    """Say for people who would hold a lease: principal, host and process id."""
    return f"{principal} on {platform.node() or 'this host'}, process {os.getpid()}"


def clock() -> Clock:
    """Give this machine's clock."""
    from reconciler.adapters.system import SystemClock

    return SystemClock()


def entropy() -> Entropy:
    """Give the operating system's chance."""
    from reconciler.adapters.system import SystemEntropy

    return SystemEntropy()


def harden() -> None:
    """Keep secrets of this process out of core dumps and debuggers, as far as it goes."""
    from reconciler.adapters.system import harden_process

    harden_process()
