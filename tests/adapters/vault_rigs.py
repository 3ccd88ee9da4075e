"""What tests of the Vault sink share: canned answers, a clock of their own, sinks that are closed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from pydantic import SecretStr

from reconciler.adapters.vault_sink import VaultSink
from reconciler.adapters.vault_timing import Timing
from reconciler.config import VaultAuth, VaultSettings
from tests.services.canned import replied

PATH = "payments/prod/billing-sync"
TOKEN = "hvs.canary-token"
DATA = "/v1/secret/data/keyrec/"
METADATA = "/v1/secret/metadata/keyrec/"
DESTROY = "/v1/secret/destroy/keyrec/"
ANCHOR = "/v1/secret/data/keyrec/_keyrec/anchor"
HEALTH = "/v1/sys/health"

HEALTHY = replied({"initialized": True, "sealed": False, "cluster_id": "cluster-1"})
DENIED = replied({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}, 403)
ABSENT = replied({"errors": []}, 404)
CONFLICT = replied({"errors": ["check-and-set parameter did not match the current version"]}, 400)


def written(version: int) -> Any:
    """Give Vault's answer to a write."""
    return replied({"data": {"version": version, "deletion_time": "", "destroyed": False}})


def metadata(version: int, **fields: Any) -> Any:
    """Give Vault's answer to a look at a path."""
    return replied({"data": {"current_version": version, **fields}})


def logged_in(token: str, *, seconds: int = 3600, renewable: bool = True) -> Any:
    """Give Vault's answer to a login or a renewal."""
    auth = {"client_token": token, "lease_duration": seconds, "renewable": renewable}
    return replied({"auth": auth})


class Hours:
    """A clock that only moves when somebody waits or the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.pauses.append(seconds)
        self.seconds += seconds

    @property
    def timing(self) -> Timing:
        """Give it as the sink takes it."""
        return Timing(monotonic=lambda: self.seconds, pause=self.pause)


@contextlib.contextmanager
def opened(
    address: str, *, hours: Hours | None = None, parallelism: int = 2, **settings: Any
) -> Iterator[VaultSink]:
    """Give a sink over mount `secret` and prefix `keyrec`; it is closed at the end."""
    known: dict[str, Any] = {
        "address": address,
        "auth": VaultAuth(token=SecretStr(TOKEN)),
        "connect_timeout": 5.0,
        "answer_timeout": 5.0,
    }
    sink = VaultSink(
        VaultSettings(**(known | settings)),
        mount="secret",
        prefix="keyrec",
        parallelism=parallelism,
        timing=(hours or Hours()).timing,
    )
    try:
        yield sink
    finally:
        sink.close()
