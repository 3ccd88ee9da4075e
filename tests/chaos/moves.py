"""The moves that troubles are made of: start a run, draw a moment or a message, end it, free a lease."""

from __future__ import annotations

import signal
import time

from tests.chaos.campaign import Campaign
from tests.chaos.fates import Door, Fate, Matter, Order
from tests.chaos.runs import LONGEST_RUN, Run

MATTERS = (
    (Door.VAULT, Matter.WRITE, 4),
    (Door.VAULT, Matter.WRITE, 4),
    (Door.VAULT, Matter.DESTROY, 2),
    (Door.VAULT, Matter.ANCHOR, 1),
    (Door.VAULT, Matter.ANY, 8),
    (Door.STORE, Matter.COMMIT, 5),
    (Door.STORE, Matter.COMMIT, 5),
    (Door.STORE, Matter.ANY, 40),
)
"""Door, matter, and up to which one of them in a run."""


def a_run(c: Campaign, *, patience: str = "2s") -> Run:
    """Start what is to be disturbed: an apply, maintenance or a rotation."""
    terms = ("--lock-timeout", patience, "--parallelism", c.chance.choice(("1", "2", "8")))
    kind = c.chance.random()
    if kind < 0.15:
        return c.run("apply", "--maintenance", *terms)
    if kind < 0.3 and c.repository.still:
        c.memory.requests += 1
        return c.run("rotate", c.chance.choice(c.repository.still), *terms)
    return c.run("apply", "--auto-approve", *terms)


def a_while(c: Campaign) -> float:
    """Draw a moment of a usual run."""
    return c.chance.uniform(0, 0.9 * c.typical)


def an_order(c: Campaign, fates: tuple[Fate, ...], *, seconds: float = 0.0) -> Order:
    """Draw a message and its fate."""
    door, matter, most = c.chance.choice(MATTERS)
    nth, fate = c.chance.randint(1, most), c.chance.choice(fates)
    return Order(door=door, matter=matter, nth=nth, fate=fate, seconds=seconds)


def reaches(c: Campaign, run: Run) -> bool:
    """Wait until an order is reached; False where the run ends before."""
    until = time.monotonic() + LONGEST_RUN
    while time.monotonic() < until:
        if c.place.proxy.has_reached(0.02):
            return True
        if run.poll() is not None:
            return c.place.proxy.has_reached(0)
    raise AssertionError("a run neither ends nor goes on")


def wait_or_kill(c: Campaign, run: Run) -> None:
    """Let a run end, or end it."""
    if c.chance.random() < 0.75:
        time.sleep(a_while(c))
        run.signal(signal.SIGKILL)
    c.judge(run.wait())


def deliver_late(c: Campaign) -> None:
    """Send the writes that were kept back."""
    for status in c.place.proxy.deliver_late():
        word = {200: "landed", 400: "refused by check-and-set"}.get(status, str(status))
        c.tally.late[word] += 1


def leave_lease(c: Campaign) -> None:
    """Free a lease whose holder is dead, or leave it to run out."""
    if c.chance.random() < 0.2:
        c.quiet("lock", "release")
    elif c.waits_left == 0 or c.chance.random() < 0.95:
        c.place.end_lease()
    else:
        c.waits_left -= 1
        c.tally.troubles["lease left to run out"] += 1


def round_ends(c: Campaign) -> None:
    """Deliver what was kept back, or keep it for another round; look again."""
    if c.chance.random() < 0.5:
        deliver_late(c)
        c.look()


def let_time_pass(c: Campaign) -> None:
    """Bring the end of some overlaps and the turn of some schedules to now."""
    with c.place.sql() as connection:
        moved = connection.execute(
            "UPDATE key_versions SET retire_at = now() WHERE state = 'retiring' "
            "AND retire_at > now() AND random() < 0.3 RETURNING version_id"
        ).fetchall()
        connection.execute(
            "UPDATE keys SET rotated_at = now() - interval '1 year' "
            "WHERE status = 'live' AND every IS NOT NULL AND random() < 0.3"
        )
    c.memory.excused |= {row["version_id"] for row in moved}
