"""Opening a `Verifier` on the store of a configuration. Needs no manifest and no sink."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable

from reconciler.bootstrap import doors
from reconciler.config import Settings
from reconciler.credentials.verdict import Issuer
from reconciler.verification.bounds import Bounds
from reconciler.verification.terms import VerifierTerms
from reconciler.verification.verifier import Verifier


def open_verifier(
    settings: Settings,
    *,
    environment: str | None = None,
    on_trouble: Callable[[str], None] | None = None,
) -> Verifier:
    """Open the store and follow it; to be closed by whoever opened it.

    `environment`: where the keys are presented, in place of the configuration's. `on_trouble` is
    told what an operator should know; without it, stderr is.

    Raises:
        StoreOutdated: there is no store of this program's form. One that is out of reach is waited
            for: nothing is allowed until then.
    """
    from reconciler.adapters.sql_verification import SqlVerificationStore
    from reconciler.adapters.system import steady

    asked = settings.verification
    doors.harden()
    store = SqlVerificationStore(
        settings.store.url.get_secret_value(),
        clock=doors.clock() if doors.is_file(settings) else None,
    )
    terms = VerifierTerms(
        issuer=Issuer(prefix=settings.token_prefix, environment=environment or asked.environment),
        bounds=Bounds(revocation=asked.revocation_bound, max_stale=asked.max_stale),
        entries=asked.cache_entries,
        threads=_cores(),
        reporter=f"{platform.node() or 'host'}:{os.getpid()}:{doors.entropy().base62(8)}",
    )
    return Verifier(
        store,
        entropy=doors.entropy(),
        steady=steady,
        terms=terms,
        on_trouble=on_trouble or _tell,
    )


def _cores() -> int:
    """Give how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _tell(trouble: str) -> None:
    sys.stderr.write(f"keyrec: {trouble}\n")
