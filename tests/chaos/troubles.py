"""Every kind of trouble, each a function of the campaign: run something, disturb it, mend the world.

When one returns, nothing runs, every server is well, and a lease that nobody holds any more is free
or left to run out. What the run had begun is whatever it is: the next look and the next run show.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from tests.chaos.campaign import Campaign
from tests.chaos.fates import Door, Fate, Matter, Order
from tests.chaos.runs import LONGEST_RUN, Run

MATTERS = (
    (Door.VAULT, Matter.WRITE, 4),
    (Door.VAULT, Matter.WRITE, 4),
    (Door.VAULT, Matter.DESTROY, 2),
    (Door.VAULT, Matter.ANY, 8),
    (Door.STORE, Matter.COMMIT, 5),
    (Door.STORE, Matter.COMMIT, 5),
    (Door.STORE, Matter.ANY, 40),
)
"""Door, matter, and up to which one of them in a run."""
HALTS = (Fate.HALT_BEFORE, Fate.HALT_AFTER)
LOSSES = (Fate.CUT_BEFORE, Fate.CUT_AFTER, Fate.CUT_AFTER, Fate.DELAY, Fate.HALF_OPEN)


def killed_at_any_moment(c: Campaign) -> None:
    """SIGKILL, at a moment drawn from the length of a usual run."""
    run = a_run(c)
    time.sleep(a_while(c))
    c.judge(run.kill())
    leave_lease(c)


def killed_at_a_message(c: Campaign) -> None:
    """SIGKILL before or after a message reached its server; the message may still arrive."""
    c.place.proxy.arm(an_order(c, HALTS))
    run = a_run(c)
    if reaches(c, run):
        c.judge(run.kill())
        c.place.proxy.go(forward=c.chance.random() < 0.5)
    else:
        c.judge(run.wait())
    c.place.proxy.clear()
    leave_lease(c)


def messages_lost(c: Campaign) -> None:
    """Connections cut before or after the request, delayed, half open."""
    for _ in range(c.chance.choice((1, 1, 2, 3))):
        c.place.proxy.arm(an_order(c, LOSSES, seconds=c.chance.choice((0.2, 0.2, 2.5))))
    run = a_run(c)
    if c.chance.random() < 0.6:
        time.sleep(2 * a_while(c))
        c.judge(run.kill())
    else:
        c.judge(run.wait())
    c.place.proxy.clear()
    leave_lease(c)


def writes_delivered_late(c: Campaign) -> None:
    """Writes that Vault sees after the run has ended: at once, under another run, or at the end."""
    for _ in range(c.chance.choice((1, 1, 2))):
        nth = c.chance.randint(1, 3)
        c.place.proxy.arm(Order(door=Door.VAULT, matter=Matter.WRITE, nth=nth, fate=Fate.LATE))
    run = a_run(c)
    if reaches(c, run) and c.chance.random() < 0.7:
        time.sleep(c.chance.choice((0.0, a_while(c))))
        c.judge(run.kill())
    else:
        c.judge(run.wait())
    c.place.proxy.clear()
    c.place.end_lease()
    moment = c.chance.choice(("now", "meanwhile", "in another round"))
    if moment == "now":
        deliver_late(c)
    elif moment == "meanwhile":
        other = a_run(c)
        time.sleep(a_while(c))
        deliver_late(c)
        c.judge(other.wait())
        leave_lease(c)


def commit_delivered_late(c: Campaign) -> None:
    """A COMMIT that the store sees while the run already asks again."""
    order = an_order(c, (Fate.LATE,), seconds=c.chance.choice((0.3, 2.0)), door=Door.STORE)
    order.matter, order.nth = Matter.COMMIT, c.chance.randint(1, 6)
    c.place.proxy.arm(order)
    run = a_run(c)
    if c.chance.random() < 0.5 and reaches(c, run):
        c.judge(run.kill())
    else:
        c.judge(run.wait())
    c.place.proxy.clear()
    time.sleep(order.seconds)
    leave_lease(c)


def two_at_once(c: Campaign) -> None:
    """Two runs; one of them is killed, or none."""
    first, second = a_run(c), a_run(c, patience="20s")
    time.sleep(a_while(c))
    doomed = c.chance.choice((first, first, second, None))
    if doomed is not None:
        c.judge(doomed.kill())
        c.place.end_lease()
    for run in (first, second):
        if run is not doomed:
            c.judge(run.wait())
    leave_lease(c)


def stopped_for_longer_than_its_lease(c: Campaign) -> None:
    """SIGSTOP at a write; another run takes over; SIGCONT: the first one commits nothing."""
    fate = c.chance.choice(HALTS)
    c.place.proxy.arm(Order(door=Door.VAULT, matter=Matter.WRITE, nth=1, fate=fate))
    c.repository.edit(2)
    run = c.run("apply", "--auto-approve", "--lock-timeout", "5s")
    if reaches(c, run):
        run.signal(signal.SIGSTOP)
        is_sent_before = c.chance.random() < 0.5
        if is_sent_before:
            c.place.proxy.go()
        take_over(c)
        c.place.proxy.go()
        wake(c, run)
    c.judge(run.wait())
    c.place.proxy.clear()


def wake(c: Campaign, run: Run) -> None:
    """Let a stopped run go on, whose lease another one had meanwhile: it can commit nothing."""
    stands = c.look().head
    run.signal(signal.SIGCONT)
    if c.chance.random() < 0.3:
        time.sleep(a_while(c))
        run.signal(signal.SIGKILL)
    ended = run.wait()
    if not ended.is_killed and ended.code not in {4, 7}:
        c.violated("P6", f"a run that had lost its lease ended with {ended.code}")
    if c.look().head != stands:
        c.violated("P6", "a run that had lost its lease has committed something")


def take_over(c: Campaign) -> None:
    """Let another run finish: once the lease has really run out, where that was not seen yet."""
    if c.waits_left > 0:
        c.waits_left -= 1
        c.tally.troubles["lease really run out"] += 1
    else:
        c.place.end_lease()
    c.quiet("apply", "--auto-approve", "--lock-timeout", "60s")


def vault_sealed(c: Campaign) -> None:
    """Sealed under a run, sometimes restarted too, then unsealed."""
    run = a_run(c)
    time.sleep(a_while(c))
    c.place.vault.seal()
    wait_or_kill(c, run)
    if c.chance.random() < 0.5:
        c.place.vault.stop()
        c.place.vault.start()
    c.place.vault.unseal()
    leave_lease(c)


def vault_restarted(c: Campaign) -> None:
    """Stopped under a run, started and unsealed, while the run still tries."""
    run = a_run(c)
    time.sleep(a_while(c))
    c.place.vault.stop()
    if c.chance.random() < 0.5:
        wait_or_kill(c, run)
    c.place.vault.start()
    c.place.vault.unseal()
    wait_or_kill(c, run)
    leave_lease(c)


def store_restarted(c: Campaign) -> None:
    """Stopped in order, or as by a power cut, and started again."""
    run = a_run(c)
    time.sleep(a_while(c))
    c.place.postgres.stop(mode=c.chance.choice(("fast", "immediate", "immediate")))
    if c.chance.random() < 0.3:
        c.judge(run.kill())
    c.place.postgres.start()
    wait_or_kill(c, run)
    leave_lease(c)


def lease_released_under_way(c: Campaign) -> None:
    """`lock release` under a living run, which then commits nothing more."""
    run = a_run(c)
    time.sleep(a_while(c))
    c.quiet("lock", "release")
    wait_or_kill(c, run)
    leave_lease(c)


def emergency(c: Campaign) -> None:
    """Hold, release, a leak; the last one killed at any moment."""
    held = sorted(c.repository.held)
    active = [a for a in c.repository.still if c.repository.keys[a].active]
    if held and c.chance.random() < 0.5:
        address = c.chance.choice(held)
        c.quiet("release", address)
        c.repository.held.discard(address)
    elif active and c.chance.random() < 0.4:
        address = c.chance.choice(active)
        c.quiet("hold", address, "--reason", "an exercise")
        c.repository.held.add(address)
    elif active:
        address = c.chance.choice(active)
        c.repository.touch(address)
        c.memory.requests += 1
        run = c.run("rotate", address, "--leaked", "--lock-timeout", "2s")
        time.sleep(a_while(c))
        wait_or_kill(c, run)
        leave_lease(c)


Trouble = Callable[[Campaign], None]
TROUBLES: dict[Trouble, int] = {
    killed_at_any_moment: 24,
    killed_at_a_message: 26,
    messages_lost: 6,
    writes_delivered_late: 5,
    commit_delivered_late: 3,
    two_at_once: 6,
    stopped_for_longer_than_its_lease: 2,
    vault_sealed: 1,
    vault_restarted: 1,
    store_restarted: 2,
    lease_released_under_way: 1,
    emergency: 3,
}
"""All kinds, each with how often it comes compared with the others."""


# What troubles share.


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


def an_order(
    c: Campaign, fates: tuple[Fate, ...], *, seconds: float = 0.0, door: Door | None = None
) -> Order:
    """Draw a message and its fate."""
    matters = [m for m in MATTERS if door in {None, m[0]}]
    at, matter, most = c.chance.choice(matters)
    nth, fate = c.chance.randint(1, most), c.chance.choice(fates)
    return Order(door=at, matter=matter, nth=nth, fate=fate, seconds=seconds)


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
