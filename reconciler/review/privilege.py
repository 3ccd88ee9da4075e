"""What counts as a wider privilege: a key's access is scopes, origins, time, liveness, custody.

Old and new are compared by containment, dimension by dimension: a grant covers its level and every
weaker one of the catalogue of its side; allowlists are sets of addresses; a later end is more time.
Who can use nothing has no access, whatever the other dimensions say: an inactive or expired key
gains everything when it is activated. A hold does not count: its release needs no review.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.keys import KeyFields, KeyRecord, KeySpec
from reconciler.model.lifetime import Expiration
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.verdict import Dimension, Shift
from reconciler.review.origins import Ranges, gained_words, lost_words, networks_of, words_of

FOR_EVER = "without end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What somebody who holds the key can do."""

    grants: frozenset[tuple[str, str]]
    """Resource and level, every covered level by itself."""
    origins: Ranges
    until: datetime | None
    """None: without end."""
    lifetime: Expiration | None
    """Of a key that is not made yet: its end is counted from its creation, not from the plan."""
    readers: frozenset[str]
    """Where its secret stands."""
    levels: tuple[str, ...]
    """The grants as they are written, `Resource:level`, for showing."""


def access_of_record(record: KeyRecord, catalog: ScopeCatalog, now: datetime) -> Access | None:
    """Give what a stored key can do; None where it is inactive or has expired."""
    if record.is_expired(now):
        return None
    return _access(record.fields, record.expires_at, None, catalog)


def access_of_spec(
    spec: KeySpec, record: KeyRecord | None, catalog: ScopeCatalog, now: datetime
) -> Access | None:
    """Give what a declared key will be able to do; None where it is inactive or has expired.

    A key that exists and is not reissued keeps its end.
    """
    keeps = record is not None and spec.fields.reissue <= record.fields.reissue
    if record is not None and keeps:
        if record.is_expired(now):
            return None
        return _access(spec.fields, record.expires_at, None, catalog)
    lifetime = spec.fields.expiration
    return _access(spec.fields, lifetime.after(now), lifetime, catalog)


def _access(
    fields: KeyFields, until: datetime | None, lifetime: Expiration | None, catalog: ScopeCatalog
) -> Access | None:
    if not fields.active:
        return None
    return Access(
        grants=covered(fields, catalog),
        origins=fields.ranges,
        until=until,
        lifetime=lifetime,
        readers=frozenset({fields.sink_path}),
        levels=tuple(str(grant) for grant in fields.scopes),
    )


def covered(fields: KeyFields, catalog: ScopeCatalog) -> frozenset[tuple[str, str]]:
    """Give every resource and level that the grants allow under a catalogue.

    A level that the catalogue does not have allows nothing: it is denied at use.
    """
    found: set[tuple[str, str]] = set()
    for grant in fields.scopes:
        levels = catalog.levels(grant.resource)
        if grant.level in levels:
            found |= {(grant.resource, at) for at in levels[: levels.index(grant.level) + 1]}
    return frozenset(found)


def shifts_between(old: Access | None, new: Access | None) -> tuple[Shift, ...]:
    """Say what is gained and lost; nothing where neither side can do anything."""
    if old is None and new is None:
        return ()
    if old is None and new is not None:
        return (Shift(dimension=Dimension.LIVENESS, gained=(whole_access(new),)),)
    if new is None and old is not None:
        return (Shift(dimension=Dimension.LIVENESS, lost=(whole_access(old),)),)
    if old is None or new is None:
        raise AssertionError("both are there")
    return (
        _scopes(old, new),
        Shift(
            dimension=Dimension.ORIGINS,
            gained=gained_words(new.origins, old.origins),
            lost=lost_words(new.origins, old.origins),
        ),
        _time(old, new),
        Shift(
            dimension=Dimension.CUSTODY,
            gained=tuple(f"whoever reads {path}" for path in sorted(new.readers - old.readers)),
            lost=tuple(f"whoever reads {path}" for path in sorted(old.readers - new.readers)),
        ),
    )


def whole_access(access: Access) -> str:
    """Say all that whoever holds the key can do."""
    return f"{what_of(access)} {_until(access)}"


def what_of(access: Access) -> str:
    """Say what can be done from where, whatever the time."""
    scopes = ", ".join(access.levels) or "no scope"
    return f"{scopes} from {', '.join(words_of(networks_of(access.origins)))}"


def _scopes(old: Access, new: Access) -> Shift:
    return Shift(
        dimension=Dimension.SCOPES,
        gained=grant_words(new.grants - old.grants, new.levels),
        lost=grant_words(old.grants - new.grants, old.levels),
    )


def grant_words(
    grants: frozenset[tuple[str, str]], written: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Name grants; of a resource the one alone that is written so, for it covers the others."""
    every = {f"{resource}:{level}": resource for resource, level in grants}
    whole = {every[name]: name for name in written if name in every}
    rest = (name for name, resource in sorted(every.items()) if resource not in whole)
    return tuple(sorted([*whole.values(), *rest]))


def _time(old: Access, new: Access) -> Shift:
    shift = Shift(dimension=Dimension.TIME)
    if old.until == new.until:
        return shift
    if new.until is None or (old.until is not None and new.until > old.until):
        return replace(shift, gained=(f"{_until(new)} instead of {_until(old)}",))
    return replace(shift, lost=(f"{_until(new)} instead of {_until(old)}",))


def _until(access: Access) -> str:
    if access.until is None:
        return FOR_EVER
    if access.lifetime is not None:
        return f"for {access.lifetime.value} from its creation"
    return f"until {access.until:%Y-%m-%d %H:%M} UTC"
