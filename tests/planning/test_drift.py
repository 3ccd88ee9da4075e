"""What is seen at a path, and what that means: the table of drift."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.keys import KeyRecord, KeyVersion, fields_fingerprint
from reconciler.model.lifetime import Expiration, VersionState
from reconciler.planning.actions import MaintenanceKind, Reason
from reconciler.planning.drift import (
    Drift,
    DriftKind,
    Holding,
    NotCompared,
    Sighting,
    not_compared,
    path_drift,
    record_drifts,
)
from reconciler.planning.drift_words import NOT_COMPARED_WORDS, drift_advice, drift_message
from reconciler.planning.maintenance import maintenance_items
from reconciler.planning.plan import MaintenanceItem
from tests.fakes.world import SINK_ID
from tests.planning.records import (
    DAY,
    HELD,
    HOUR,
    NOW,
    TARGET,
    observed,
    operation,
    plan_of,
    record,
    version,
)

RECORDED = 5
CURRENT = version("v5", sink_version=RECORDED)
DELETED, ROLLED_BACK = Reason.SINK_PATH_DELETED, Reason.SINK_ROLLED_BACK

ROWS: list[tuple[int, Holding, DriftKind | None, Reason | None]] = [
    # seen version, what it holds: what happened, why maintenance makes a new secret
    (0, Holding.NOTHING, DriftKind.PATH_DELETED, DELETED),
    (5, Holding.UNREAD, None, None),
    (5, Holding.CURRENT, None, None),
    (5, Holding.NOTHING, DriftKind.VALUE_DELETED, DELETED),
    (5, Holding.EARLIER, DriftKind.ROLLED_BACK, ROLLED_BACK),
    (5, Holding.FOREIGN, DriftKind.OVERWRITTEN, None),
    (6, Holding.UNREAD, DriftKind.OVERWRITTEN, None),
    (6, Holding.CURRENT, DriftKind.ROLLED_BACK, ROLLED_BACK),
    (6, Holding.NOTHING, DriftKind.VALUE_DELETED, DELETED),
    (6, Holding.EARLIER, DriftKind.ROLLED_BACK, ROLLED_BACK),
    (6, Holding.FOREIGN, DriftKind.OVERWRITTEN, None),
    (3, Holding.UNREAD, DriftKind.SINK_RESTORED, None),
    (3, Holding.CURRENT, DriftKind.SINK_RESTORED, ROLLED_BACK),
    (3, Holding.NOTHING, DriftKind.VALUE_DELETED, DELETED),
    (3, Holding.EARLIER, DriftKind.SINK_RESTORED, ROLLED_BACK),
    (3, Holding.FOREIGN, DriftKind.OVERWRITTEN, None),
]
SEEN = [
    Drift(
        kind=kind,
        address="payments/a",
        workspace="payments",
        key_id="key-a",
        path="payments/prod/a",
        recorded=RECORDED,
        seen=seen,
        holding=holding,
    )
    for seen, holding, kind, _ in ROWS
    if kind is not None
]
NAMES = [f"{d.kind.value}-{d.holding.value}-at-{d.seen}" for d in SEEN]
EDITED = Drift(
    kind=DriftKind.RECORD_EDITED, address="payments/a", workspace="payments", key_id="key-a"
)


def stored() -> KeyRecord:
    """Give a key whose current secret is at version 5."""
    return record(versions=(CURRENT,))


@pytest.mark.parametrize(("seen", "holding", "kind", "repair"), ROWS)
def test_the_table_of_drift(
    seen: int, holding: Holding, kind: DriftKind | None, repair: Reason | None
) -> None:
    """The key's current secret was left at version 5."""
    drift = path_drift(stored(), Sighting(version=seen, holding=holding))
    if drift is None:
        assert kind is None
        return
    assert (drift.kind, drift.repair) == (kind, repair)
    assert (drift.address, drift.workspace, drift.key_id) == ("payments/a", "payments", "key-a")
    assert (drift.path, drift.recorded, drift.seen) == ("payments/prod/a", 5, seen)


def test_the_table_has_a_row_for_everything_that_can_be_seen() -> None:
    """Below, at and above the recorded version, each with every holding."""
    rows = {(seen - RECORDED, holding) for seen, holding, _, _ in ROWS if seen}
    assert rows == {(place, holding) for place in (-2, 0, 1) for holding in Holding}


@pytest.mark.parametrize("versions", [(), (version(sink_version=None),)])
def test_only_a_path_with_a_secret_is_judged(versions: tuple[KeyVersion, ...]) -> None:
    """Nobody asks about another one."""
    with pytest.raises(AssertionError):
        path_drift(
            replace(stored(), versions=versions), Sighting(version=1, holding=Holding.UNREAD)
        )


# Which keys are compared at all.


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (record(), None),
        (record(active=False), None),
        (record(about={"hold": HELD}), None),
        (record(expiration=Expiration.HOUR, about={"expires_at": NOW}), NotCompared.EXPIRED),
        (record(versions=()), NotCompared.WITHOUT_SECRET),
        (record(versions=(version(sink_version=None),)), NotCompared.WITHOUT_SECRET),
        (record(versions=(version(sink_path="payments/old"),)), NotCompared.MOVING),
        (record(versions=(version(sink_id="fake:another"),)), NotCompared.MOVING),
    ],
)
def test_keys_with_something_else_under_way_are_not_compared(
    key: KeyRecord, why: NotCompared | None
) -> None:
    """Held and inactive ones are: they are to work as soon as they are released."""
    assert not_compared(key, observed(key), SINK_ID) is why


def test_a_key_with_an_open_operation_is_not_compared() -> None:
    """Whoever finishes it knows what may stand there; another key's operation says nothing."""
    first, second = record("a"), record("b")
    state = observed(first, second, operations=(operation(first),))
    assert not_compared(first, state, SINK_ID) is NotCompared.UNDER_WAY
    assert not_compared(second, state, SINK_ID) is None


# Rows of the store.


def test_a_row_that_was_changed_by_hand_is_found() -> None:
    """Its fields are not those that its fingerprint was computed from."""
    whole = record(about={"stored_fingerprint": fields_fingerprint(record().fields)})
    edited = replace(whole, fields=replace(whole.fields, owner="intruder"))
    assert list(record_drifts([whole, edited, record("b")])) == [EDITED]


# What maintenance makes of it.


def items(drift: Drift, *keys: KeyRecord) -> list[MaintenanceItem]:
    """Give the maintenance of these keys with this drift."""
    return list(maintenance_items(keys, observed(*keys), TARGET, drifts=[drift]))


@pytest.mark.parametrize("drift", SEEN, ids=NAMES)
def test_a_changed_path_is_rotated_from_where_it_was_found_or_left_to_people(drift: Drift) -> None:
    """Never both, and no rotation beside it that would be refused."""
    (item,) = items(drift, stored())
    if drift.repair is None:
        assert (item.kind, item.drift, item.found) == (MaintenanceKind.REPAIR, drift, None)
    else:
        assert (item.kind, item.drift, item.found) == (MaintenanceKind.ROTATE, None, drift.seen)
    assert (item.reason, item.path) == (drift.repair, "payments/prod/a")


def test_a_due_rotation_of_a_changed_path_becomes_its_repair() -> None:
    """One new secret, for the stronger reason."""
    due = record(versions=(CURRENT,), every=DAY, about={"rotated_at": NOW - 2 * DAY})
    assert [i.reason for i in items(SEEN[0], due)] == [DELETED]


def test_an_edited_row_changes_nothing_of_the_maintenance() -> None:
    """It is named; the next plan shows what differs from the manifests."""
    due = record(versions=(CURRENT,), every=DAY, about={"rotated_at": NOW - 2 * DAY})
    assert [i.reason for i in items(EDITED, due)] == [Reason.ROTATION_DUE]


def test_no_copy_is_destroyed_at_a_path_that_was_changed_outside() -> None:
    """Its numbers may be a stranger's now; other paths are tidied as always."""
    ended = version("v4", state=VersionState.RETIRED, sink_version=4, retired_at=NOW - HOUR)
    elsewhere = replace(ended, version_id="v3", sink_path="payments/old")
    key = record(versions=(elsewhere, ended, CURRENT))
    destroyed = [i.version_id for i in items(SEEN[0], key) if i.kind is MaintenanceKind.DESTROY]
    assert destroyed == ["v3"]


def test_a_plan_says_what_was_found_outside() -> None:
    """For whoever shows it; a plan without looking says nothing."""
    state = observed(stored())
    assert plan_of(at=state, maintenance_only=True, drifts=(SEEN[0],)).drift == (SEEN[0],)
    assert plan_of(at=state, maintenance_only=True).drift == ()


# The words.


@pytest.mark.parametrize("drift", [*SEEN, EDITED], ids=[*NAMES, "edited"])
def test_every_drift_names_its_path_and_versions_and_the_way_out(drift: Drift) -> None:
    """What maintenance mends says so; what is a person's says how to let keyrec write again."""
    message, advice = drift_message(drift), drift_advice(drift)
    if drift.kind is DriftKind.RECORD_EDITED:
        assert "by hand" in message
        assert "keyrec plan" in advice
        return
    assert "payments/prod/a" in message
    assert "left version 5" in message
    assert drift.seen == 0 or f"at version {drift.seen}" in message
    if drift.repair is None:
        assert f"spec.secret.adopt: {drift.seen} in its manifest" in advice
        assert "nothing was overwritten" in advice
    else:
        assert advice == "keyrec apply --maintenance makes a new secret there"


def test_every_reason_not_to_compare_has_its_words() -> None:
    """For `keyrec drift -v`."""
    assert NOT_COMPARED_WORDS.keys() == set(NotCompared)
