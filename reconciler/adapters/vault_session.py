"""One run's conversation with Vault: its connections, its token, its patience.

A request that only looks, or that can be done twice, is tried again after passing troubles; a
check-and-set write never is: whoever sent it decides what follows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hvac.api.secrets_engines import KvV2
from hvac.api.system_backend import Health

from reconciler.adapters.vault_answers import Answer, Failure, Trouble
from reconciler.adapters.vault_errors import TRANSIENT, error_of
from reconciler.adapters.vault_login import log_in
from reconciler.adapters.vault_place import Place, authority_of, endpoint_of
from reconciler.adapters.vault_pool import ConnectionPool
from reconciler.adapters.vault_timing import Pace, Timing, wait_before_retry
from reconciler.adapters.vault_tls import connector
from reconciler.adapters.vault_tokens import TokenKeeper
from reconciler.adapters.vault_transport import Link, VaultTransport
from reconciler.config import VaultSettings
from reconciler.errors import SinkUnavailable


class Session:
    """What a run shares; may be used from many threads at once."""

    def __init__(
        self,
        settings: VaultSettings,
        *,
        mount: str,
        prefix: str,
        parallelism: int,
        timing: Timing,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            SinkMisconfigured: address, mount, prefix or certificates cannot be used.
        """
        self.settings = settings
        self.place = Place(mount=mount, prefix=prefix)
        self._timing = timing
        pace = Pace(settings.rate_limit, timing) if settings.rate_limit else lambda: None
        endpoint = endpoint_of(settings.address)
        self._pool = ConnectionPool(
            connector(endpoint, settings),
            host=authority_of(endpoint),
            size=parallelism,
            answer_timeout=settings.answer_timeout,
            pace=pace,
        )
        self._link = Link(pool=self._pool, place=self.place, namespace=settings.namespace)
        self._tokens = TokenKeeper(lambda: log_in(settings.auth, self._link), self._link, timing)
        self._identity: str | None = None

    def changing(self, call: Callable[[KvV2], Any]) -> Answer:
        """Make one KV call that changes something, once.

        Only where Vault denied it because the token had ended, it is made again with a new token:
        a denied request was definitely not done.
        """
        return self.authorised(lambda adapter: call(KvV2(adapter)))

    def repeatable(self, call: Callable[[KvV2], Any]) -> Answer:
        """Make one KV call that can be done twice; tried again after passing troubles."""
        return self.patient(lambda: self.changing(call))

    def authorised(self, call: Callable[[VaultTransport], Any]) -> Answer:
        """Make a call with the run's token."""
        token = self._tokens.token()
        answer: Answer = call(self._link.adapter(token))
        denied = isinstance(answer, Failure) and answer.trouble is Trouble.DENIED
        if denied and self._tokens.replaced(token):
            answer = call(self._link.adapter(self._tokens.token()))
        return answer

    def patient(self, ask: Callable[[], Answer]) -> Answer:
        """Ask, and ask again after passing troubles, as often as the settings say."""
        answer = ask()
        for attempt in range(1, self.settings.max_retries + 1):
            if not isinstance(answer, Failure) or answer.trouble not in TRANSIENT:
                break
            self._timing.pause(wait_before_retry(attempt, answer.retry_after))
            answer = ask()
        return answer

    def health(self) -> Answer:
        """Ask for the server's state; needs no token, and every state is an answer."""
        return self.patient(self._health)

    def identity(self) -> str:
        """Give the sink's id; asked of the server once.

        Raises:
            SinkUnavailable: it cannot be asked, or does not know (sealed, not initialised).
        """
        if self._identity is None:
            self._identity = self._asked_identity()
        return self._identity

    def close(self) -> None:
        """Revoke what was obtained, end the connections."""
        self._tokens.close()
        self._pool.close()

    def _asked_identity(self) -> str:
        answer = self.health()
        if isinstance(answer, Failure):
            raise error_of(answer, "its health")
        cluster = answer.document.get("cluster_id")
        if not isinstance(cluster, str) or not cluster:
            raise SinkUnavailable(
                "Vault does not say which cluster it is: it is sealed or not initialised.",
                advice="Unseal Vault, then run again.",
            )
        namespace = (self.settings.namespace or "").strip("/")
        where = f"{cluster}@{namespace}" if namespace else cluster
        return f"vault:{where}/{self.place.mount}:{self.place.prefix}"

    def _health(self) -> Answer:
        answer: Answer = Health(self._link.adapter(None, at_root=True)).read_health_status(
            method="GET",
            standby_code=200,
            dr_secondary_code=200,
            performance_standby_code=200,
            sealed_code=200,
            uninit_code=200,
        )
        return answer
