"""How long a token is used: one login a run, renewed in time, revoked at the end.

A token that was given is used as it is: never renewed, never revoked. A token that was obtained is
renewed after two thirds of its life; where that gives too little, a new login follows. Many threads
ask for the token; one of them at a time does any of this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from hvac.api.auth_methods import Token

from reconciler.adapters.vault_answers import Answer, Failure, Success, Trouble
from reconciler.adapters.vault_login import Login, seconds_of
from reconciler.adapters.vault_timing import Timing
from reconciler.adapters.vault_transport import Link
from reconciler.errors import KeyrecError
from reconciler.model.secret import Secret

_RENEW_AFTER = 2 / 3
"""Of a token's life."""
_WORTH_KEEPING = 1 / 2
"""A renewal that gives less than this part of the first life nears the token's last end."""


class TokenKeeper:
    """The run's token."""

    def __init__(self, log_in: Callable[[], Login], link: Link, timing: Timing) -> None:
        """`log_in` has a token by the configured method."""
        self._log_in = log_in
        self._link = link
        self._timing = timing
        self._lock = threading.Lock()
        self._held: Login | None = None
        self._obtained: list[Secret] = []
        self._renew_at = 0.0
        self._ends_at = 0.0

    def token(self) -> Secret:
        """Give a token that will last for the next request.

        Raises:
            LoginFailed, SinkUnavailable: none could be had.
        """
        with self._lock:
            held = self._held
            if held is None:
                held = self._replace()
            elif held.seconds and self._timing.monotonic() >= self._renew_at:
                held = self._extend(held)
            return held.token

    def replaced(self, token: Secret) -> bool:
        """Whether a token that was denied is no longer the run's, or was replaced just now.

        A denial can mean a missing right or an ended token. Only a token that was obtained here
        and that Vault no longer knows is replaced, by one login.
        """
        with self._lock:
            held = self._held
            if held is None or held.token is not token:
                return True
            if not held.is_obtained or not _is_denied(self._api(token).lookup_self()):
                return False
            self._obtained = [other for other in self._obtained if other is not token]
            self._replace()
            return True

    def close(self) -> None:
        """Revoke every token that was obtained; what cannot be revoked ends by itself."""
        with self._lock:
            ended, self._obtained, self._held = self._obtained, [], None
            for token in ended:
                self._api(token).revoke_self()

    def _extend(self, held: Login) -> Login:
        if held.is_renewable and self._renewed(held):
            return held
        try:
            return self._replace()
        except KeyrecError:
            now = self._timing.monotonic()
            if now >= self._ends_at:
                raise
            self._renew_at = now + (self._ends_at - now) / 2
            return held

    def _renewed(self, held: Login) -> bool:
        answer = self._api(held.token).renew_self()
        auth = answer.document.get("auth") if isinstance(answer, Success) else None
        seconds = seconds_of(auth)
        if seconds < held.seconds * _WORTH_KEEPING:
            return False
        self._count_from_now(seconds)
        return True

    def _replace(self) -> Login:
        login = self._log_in()
        self._held = login
        if login.is_obtained:
            self._obtained.append(login.token)
        self._count_from_now(login.seconds)
        return login

    def _count_from_now(self, seconds: float) -> None:
        now = self._timing.monotonic()
        self._renew_at, self._ends_at = now + seconds * _RENEW_AFTER, now + seconds

    def _api(self, token: Secret) -> Token:
        return Token(self._link.adapter(token))


def _is_denied(answer: Answer) -> bool:
    return isinstance(answer, Failure) and answer.trouble is Trouble.DENIED
