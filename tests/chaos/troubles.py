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
from tests.chaos.moves import (
    a_run,
    a_while,
    an_order,
    deliver_late,
    leave_lease,
    reaches,
    wait_or_kill,
)
from tests.chaos.runs import Run

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
    seconds, nth = c.chance.choice((0.3, 2.0)), c.chance.randint(1, 6)
    late = Order(door=Door.STORE, matter=Matter.COMMIT, nth=nth, fate=Fate.LATE, seconds=seconds)
    c.place.proxy.arm(late)
    run = a_run(c)
    if c.chance.random() < 0.5 and reaches(c, run):
        c.judge(run.kill())
    else:
        c.judge(run.wait())
    c.place.proxy.clear()
    time.sleep(seconds)
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
