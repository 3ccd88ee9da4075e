"""What a gateway answers to a presented secret: the real decision, on the desk's store as it is."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.sql_store import SqlStore
from reconciler.adapters.system import SystemClock
from reconciler.credentials.access import decide, present
from reconciler.credentials.hashing import verify
from reconciler.credentials.verdict import Allowed, Circumstances, Issuer
from reconciler.model.scopes import BUILT_IN_CATALOG
from reconciler.model.secret import Secret
from tests.e2e.desk import Desk


def let_in(desk: Desk, secrets: Iterable[str]) -> list[bool]:
    """Say of each secret whether it is let in now."""
    url = desk.absolute_url
    store = SqlStore(url, clock=SystemClock() if url.startswith("sqlite") else None)
    try:
        return [_is_let_in(store, Secret(text)) for text in secrets]
    finally:
        store.close()


def _is_let_in(store: SqlStore, secret: Secret) -> bool:
    presented = present(secret, issuer=Issuer(), lookup=store.presented, verify=verify)
    at = Circumstances(
        now=store.now(), issuer=Issuer(), address=None, wanted=None, catalog=BUILT_IN_CATALOG
    )
    return isinstance(decide(presented, at), Allowed)
