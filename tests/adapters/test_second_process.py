"""A forked process that works from the end. Each test has a program of its own: only a process of one
thread is forked.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reconciler.adapters import second_process
from reconciler.adapters.second_process import SecondProcess
from tests.fakes.command_line import ROOT

TWO = len(os.sched_getaffinity(0)) > 1
needs_two = pytest.mark.skipif(not TWO, reason="there is one processor only")
HEAD = """\
import os, signal, sys, time
from reconciler.adapters.second_process import SecondProcess

def take(arrivals, count):
    found = []
    until = time.monotonic() + 60
    while len(found) < count and time.monotonic() < until:
        found += arrivals.arrived()
    return found

"""


def run(program: str) -> str:
    """Run a program to its end; what it printed."""
    ended = subprocess.run(
        [sys.executable, "-c", HEAD + program],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@needs_two
def test_it_gives_bytes_from_the_last_item_to_the_first() -> None:
    """Empty ones, none at all, and more than a pipe holds."""
    assert (
        run("""
def work(n):
    return None if n % 5 == 0 else b"x" * (n * 40_000)

with SecondProcess().backwards(list(range(100)), work) as arrivals:
    time.sleep(0.5)
    found = take(arrivals, 100)
    assert found == [work(n) for n in reversed(range(100))]
    assert list(arrivals.arrived()) == []
print("all")
""")
        == "all\n"
    )


@needs_two
def test_it_works_on_while_nobody_takes_anything() -> None:
    """A full pipe stops nobody: the work goes on meanwhile."""
    assert (
        run("""
done = "/tmp/second-process-%d" % os.getpid()

def work(n):
    if n == 0:
        open(done, "w").close()
    return b"x" * 100_000

with SecondProcess().backwards(list(range(40)), work) as arrivals:
    until = time.monotonic() + 60
    while not os.path.exists(done) and time.monotonic() < until:
        time.sleep(0.01)
    assert os.path.exists(done)
    assert len(take(arrivals, 40)) == 40
os.unlink(done)
print("all")
""")
        == "all\n"
    )


@needs_two
@pytest.mark.parametrize(
    "work", ["raise ValueError(n)", "os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(3)"]
)
def test_one_that_ends_too_early_has_done_less(work: str) -> None:
    """And says nothing: what it left is done here."""
    assert (
        run(f"""
def work(n):
    if n == 5:
        {work}
    return b"x" * 70_000

with SecondProcess().backwards(list(range(10)), work) as arrivals:
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    found = list(arrivals.arrived())
    assert found == [b"x" * 70_000] * len(found)
    assert 1 <= len(found) <= 4
    assert list(arrivals.arrived()) == []
print("here")
""")
        == "here\n"
    )


@needs_two
@pytest.mark.parametrize("end", ["pass", "raise KeyboardInterrupt"])
def test_it_ends_with_the_context(end: str) -> None:
    """However far it is: no process and no descriptor is left."""
    assert (
        run(f"""
before = len(os.listdir("/proc/self/fd"))
try:
    with SecondProcess().backwards([1, 2], lambda _: time.sleep(600)) as arrivals:
        {end}
except KeyboardInterrupt:
    print("interrupted")
assert len(os.listdir("/proc/self/fd")) == before
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("nobody")
""").splitlines()[-1]
        == "nobody"
    )


@needs_two
def test_it_ends_by_itself_where_nobody_is_left() -> None:
    """Also where it has nothing to write: no terminal and no server waits for it."""
    assert (
        run("""
reading, writing = os.pipe()

def work(n):
    if n == 9:
        os.write(writing, b"%d" % os.getpid())
    time.sleep(0.2)
    return None

middle = os.fork()
if middle == 0:
    with SecondProcess().backwards(list(range(10)) * 100, work):
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(middle, 0)
other = int(os.read(reading, 99))
until = time.monotonic() + 60
while os.path.exists(f"/proc/{other}") and time.monotonic() < until:
    if "State:\tZ" in open(f"/proc/{other}/status").read():
        break
    time.sleep(0.05)
else:
    assert not os.path.exists(f"/proc/{other}")
print("gone")
""")
        == "gone\n"
    )


@needs_two
def test_where_somebody_else_waits_for_children_there_is_none() -> None:
    """A process that ignores the end of its children has no id to be sure of."""
    assert (
        run("""
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print(SecondProcess().backwards([1], lambda _: b""))
""")
        == "None\n"
    )


@needs_two
def test_signals_wait_until_it_can_be_ended() -> None:
    """Ctrl-C between the fork and the context ends both; the one that is forked answers nothing."""
    assert (
        run("""
fork = os.fork
before = len(os.listdir("/proc/self/fd"))

def interrupted():
    found = fork()
    os.kill(os.getpid(), signal.SIGINT)
    return found

os.fork = interrupted
try:
    with SecondProcess().backwards([1, 2], lambda _: time.sleep(600)):
        print("inside")
except KeyboardInterrupt:
    print("interrupted")
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("nobody", len(os.listdir("/proc/self/fd")) - before)
""")
        == "interrupted\nnobody 0\n"
    )


@needs_two
def test_it_says_nothing_that_its_parent_was_about_to_say() -> None:
    """What waits in a buffer is written once; Ctrl-C is its parent's to answer."""
    assert (
        run("""
import atexit
atexit.register(print, "the end")
sys.stdout.write("once\\n")
signal.signal(signal.SIGINT, lambda *_: print("twice"))

def work(n):
    os.kill(os.getpid(), signal.SIGINT)
    return b""

with SecondProcess().backwards([1], work) as arrivals:
    time.sleep(0.3)
    assert list(arrivals.arrived()) == []
""")
        == "once\nthe end\n"
    )


def test_a_process_of_many_threads_is_not_forked() -> None:
    """A lock that another thread holds would be held for ever."""
    other = threading.Thread(target=threading.Event().wait, args=(5,))
    other.start()
    assert SecondProcess().backwards([1], lambda _: b"") is None
    other.join()


@pytest.mark.parametrize("missing", ["a processor", "the system"])
def test_where_it_is_of_no_use_there_is_none(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One processor has no time for two."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    if missing == "a processor":
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    else:
        monkeypatch.setattr(sys, "platform", "win32")
    assert SecondProcess().backwards([1], lambda _: b"") is None


def test_a_system_without_room_for_a_process_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """No descriptor is left behind."""
    monkeypatch.setattr(second_process, "_is_of_use", lambda: True)

    def fork() -> int:
        raise OSError("no room")

    monkeypatch.setattr(os, "fork", fork)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert SecondProcess().backwards([1], lambda _: b"") is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before
