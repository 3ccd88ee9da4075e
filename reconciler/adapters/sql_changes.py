"""Which keys became different since a mark, from the audit chain: on SQL, without a lock.

Every change of a key appends an event in its own transaction, and names the key. A write may touch
the keys that this one replaced or was replaced by, so their whole family counts as changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import cast

from sqlalchemy import Connection, Interval, case, func, literal, or_, select

from reconciler.adapters.sql_among import among
from reconciler.adapters.sql_anchor import read_hash
from reconciler.adapters.sql_records import resource_of
from reconciler.adapters.sql_rows import ResourceRow
from reconciler.adapters.sql_tables import audit, keys, meta, resources
from reconciler.model.policy import Policy
from reconciler.model.resources import ResourceKind, catalog_among, policy_among
from reconciler.model.scopes import ScopeCatalog
from reconciler.verification.doors import Changes, StoreMark

MOST_EVENTS = 20_000
"""More than that at once, and everything counts as changed."""
_NOT_A_REPLICA = timedelta(0)
_FOR_EVER = timedelta(days=3650)
_JUDGES = (ResourceKind.POLICY, ResourceKind.SCOPES)


def read_behind(connection: Connection) -> timedelta:
    """Give by how much a read replica may lag; nothing on a primary, and on a file.

    To be asked before what is read: a replica that catches up meanwhile is newer than that, never
    older. It knows when the newest transaction that it has seen was committed, and no more:
    without any traffic on its primary it counts as lagging, which is the safe side. The clocks of
    both are taken to agree.
    """
    if connection.dialect.name != "postgresql":
        return _NOT_A_REPLICA
    since = func.clock_timestamp() - func.pg_last_xact_replay_timestamp()
    lag = case((func.pg_is_in_recovery(), func.coalesce(since, literal(_FOR_EVER, Interval))))
    found: timedelta | None = connection.execute(select(lag)).scalar_one()
    return _NOT_A_REPLICA if found is None else max(found, _NOT_A_REPLICA)


def read_changed(connection: Connection, since: StoreMark, now: StoreMark) -> set[str] | None:
    """Give the ids of the keys that changed between two marks; None where any may have."""
    if since.store_id != now.store_id or now.sequence < since.sequence:
        return None
    if since.sequence and read_hash(connection, since.sequence) != since.head:
        return None
    if now.sequence - since.sequence > MOST_EVENTS:
        return None
    later = audit.c.sequence > since.sequence
    named = select(audit.c.subject).where(later, audit.c.subject.is_not(None)).distinct()
    return _with_families(connection, connection.execute(named).scalars())


def read_judges(connection: Connection) -> tuple[ScopeCatalog, Policy]:
    """Give the catalogue in force and the stored policy."""
    wanted = select(resources).where(resources.c.kind.in_(_JUDGES))
    rows = connection.execute(wanted).mappings()
    bodies = [resource_of(cast("ResourceRow", row)).body for row in rows]
    return catalog_among(bodies), policy_among(bodies)


def changed_since(connection: Connection, since: StoreMark | None, now: StoreMark) -> Changes:
    """Give what a verifier has to forget, and what it has to judge by."""
    if since is not None and (since.store_id, since.sequence, since.head) == _state(now):
        return Changes(mark=now, key_ids=frozenset())
    changed = None if since is None else read_changed(connection, since, now)
    catalog, policy = read_judges(connection)
    return Changes(
        mark=now,
        key_ids=None if changed is None else frozenset(changed),
        catalog=catalog,
        hashing=policy.hashing,
    )


def read_mark(connection: Connection) -> tuple[str, int, str]:
    """Give the store's id, and number and hash of its newest event."""
    row = connection.execute(select(meta.c.store_id, meta.c.audit_sequence, meta.c.audit_head))
    store_id, sequence, head = row.one()
    return store_id, sequence, head


def _state(mark: StoreMark) -> tuple[str, int, str]:
    return mark.store_id, mark.sequence, mark.head


def _with_families(connection: Connection, key_ids: Iterable[str]) -> set[str]:
    """Add what these keys replaced and what replaced them, however often."""
    found: set[str] = set()
    new = set(key_ids)
    while new:
        found |= new
        ids = [(key_id,) for key_id in new]
        is_kin = or_(
            among(connection, (keys.c.key_id,), ids),
            among(connection, (keys.c.superseded_by,), ids),
        )
        rows = connection.execute(
            select(keys.c.key_id, keys.c.superseded_by).where(
                is_kin, keys.c.superseded_by.is_not(None)
            )
        )
        new = {key_id for row in rows for key_id in row} - found
    return found
