"""On what terms a connection to PostgreSQL is held, whichever library opens it.

Time limits free the locks of a dead client; they are set inside each transaction, so a pooler
between transactions does no harm.
"""

from __future__ import annotations

from typing import Any

CONNECTION: dict[str, Any] = {
    # A server or a way to it that has vanished without a word: noticed in half a minute, not in
    # the two hours of most systems. The store's own limits have then freed what was locked.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "connect_timeout": 10,
    "application_name": "keyrec",
    # Statements that a server keeps prepared for a session are lost behind a pooler.
    "prepare_threshold": None,
}
"""Arguments of the driver, each where the store's address does not say otherwise."""

_LIMITS = {
    # A client that died in a transaction is ended before those that wait for its locks give up.
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "15s",
    "statement_timeout": "60s",
    "synchronous_commit": "on",
}
LIMITS = "SELECT " + ", ".join(f"set_config('{n}', '{v}', true)" for n, v in _LIMITS.items())
"""The statement that sets the limits of the transaction that was just begun."""
