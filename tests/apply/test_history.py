"""Why each thing happened: every event of every action says it."""

from __future__ import annotations

from datetime import timedelta

from reconciler.model.keys import KeyAddress
from reconciler.model.lifetime import Retirement
from reconciler.model.uses import UseReport
from reconciler.planning.actions import Reason
from tests.apply.test_anchor import acknowledge, restored
from tests.apply.test_emergency import doors
from tests.fakes.world import ADMIN, MANAGER, World, removal, spec

DAY = timedelta(days=1)
A = KeyAddress(workspace="payments", name="a")


def reasons(world: World) -> dict[str, set[str]]:
    """Give the reasons of the events, by the event's name."""
    found: dict[str, set[str]] = {}
    for event in world.store.events():
        found.setdefault(event.note.event, set()).add(event.note.reason)
    return found


def eventful() -> World:
    """Give a world in which nearly everything has happened that leaves an event."""
    world = World.seeded()
    patient = spec("patient", every=5 * DAY, overlap=DAY, retire=Retirement.WHEN_UNUSED)
    a, b, other = spec("a"), spec("b"), spec("other")
    world.apply(a, b, other, patient)
    world.apply(spec("a", generation=2), spec("b", owner="x"), other, patient)
    world.clock.advance(8 * DAY)
    world.store.report_uses(UseReport(reporter="gateway", uses=(), until=world.clock.now()))
    world.maintain()
    world.clock.advance(8 * DAY)
    world.store.report_uses(UseReport(reporter="gateway", uses=(), until=world.clock.now()))
    world.maintain()
    world.apply(spec("a", generation=2, active=False), spec("c", previous_name="b"), other, patient)
    world.apply(spec("a", generation=2), spec("c"), other, patient)
    doors(world).hold(A, "seen in a log")
    doors(world).release(A)
    doors(world).end_leaked(A)
    world.maintain()
    world.rotate("a")
    world.apply(removal("other"), spec("a", generation=2), spec("c"), patient)
    return world


def test_every_event_of_every_action_has_a_reason() -> None:
    """The table of what happens and why; nothing that a store holds is without one."""
    found = reasons(eventful())
    assert "" not in set().union(*found.values())
    begun: set[str] = {Reason.GENERATION_RAISED, Reason.ROTATION_DUE}
    begun |= {Reason.NO_LIVE_VERSION, Reason.REQUESTED}
    expected: dict[str, set[str]] = {
        "store-initialised": {Reason.REQUESTED},
        "resource-stored": {Reason.DECLARED},
        "key-created": {Reason.DECLARED},
        "key-updated": {Reason.FIELDS_DIFFER, Reason.RENAMED},
        "key-deactivated": {Reason.FIELDS_DIFFER},
        "key-activated": {Reason.FIELDS_DIFFER},
        "key-renamed": {Reason.RENAMED},
        "key-removed": {Reason.REMOVAL_DECLARED},
        "key-held": {"seen in a log"},
        "key-released": {Reason.REQUESTED},
        "secret-leaked": {Reason.LEAKED},
        "secret-retired": {Reason.OVERLAP_PASSED, Reason.UNUSED},
        "copy-destroyed": {Reason.ENDED},
        "rotation-begun": begun,
    }
    confirmed = found.pop("secret-confirmed")
    assert found == expected
    assert confirmed == {Reason.DECLARED, Reason.RENAMED, *begun}


def test_what_a_manifest_asked_for_says_where() -> None:
    """File and line, for each event that a declaration brought."""
    world = eventful()
    for event in world.store.events():
        if event.note.reason in {Reason.DECLARED, Reason.FIELDS_DIFFER, Reason.REMOVAL_DECLARED}:
            assert event.note.source is not None, event.note
            assert event.note.source.file.startswith("keys/")


def test_an_acknowledgement_says_that_a_store_came_back() -> None:
    """From its first event to its last."""
    world, _, _ = restored()
    before = world.store.audit_head()[0]
    acknowledge(world)
    later = [e.note for e in world.store.events() if e.sequence > before]
    assert {note.reason for note in later} == {"leak", Reason.STORE_RESTORED}


def test_a_released_lock_says_that_somebody_asked() -> None:
    """The holder did not end it."""
    world = World.seeded()
    world.store.acquire_lease(MANAGER, holder="somebody", run_id="run-1")
    world.store.end_lease(MANAGER, actor=ADMIN)
    assert reasons(world)["lease-ended"] == {Reason.REQUESTED}
