"""Where a secret could get out beside output and files: exceptions with their locals, the
environment and the command line, a core dump. A planted leak is found in every channel.

Metrics and HTTP answers are swept by tests/e2e/test_no_secret_leaks.py.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pytest
from argon2 import low_level

from reconciler.adapters import vault_pool
from reconciler.adapters.system import harden_process
from reconciler.apply.points import Effect
from reconciler.credentials import hashing
from reconciler.errors import CommitUnknown, KeyrecError, StoreUnavailable
from reconciler.model.policy import HashProfile
from reconciler.model.secret import Secret
from tests.adapters.test_vault_behaviour import ANSWERS, one_run
from tests.adapters.vault_rigs import opened
from tests.contracts.sink_rigs import payload, text
from tests.e2e.desk import Desk, principal
from tests.fakes.system import FakeEntropy
from tests.fakes.world import spec
from tests.leaks.finder import Finder
from tests.leaks.witness import Witness
from tests.promises.kills import Points
from tests.promises.place import Place
from tests.promises.places import fast_folder, place_of
from tests.promises.scenes import applying
from tests.services.canned import canned

KEY = """
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: shop}
spec: {admins: ["%s"]}
---
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: a, workspace: shop, owner: team-a}
spec: {environment: prod, scopes: {Reviews: read}}
"""


def everything_in(error: BaseException) -> Iterator[str]:
    """Give what an error tracker sends of an error: its text, its attributes, and the locals of
    every frame, of all errors that it came from.
    """
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield f"{one!r} {one} {vars(one)!r}"
        for frame in _frames(one.__traceback__):
            for name, value in frame.f_locals.items():
                yield f"{frame.f_code.co_qualname}.{name} = {_shown(value)}"
        left += [one.__cause__, one.__context__]


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    """Give the frames of the program; the test's own hold what they like."""
    while trace is not None:
        if f"{os.sep}tests{os.sep}" not in trace.tb_frame.f_code.co_filename:
            yield trace.tb_frame
        trace = trace.tb_next


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - as a tracker does
        return f"no repr: {type(error).__name__}"


def leaks_of(error: BaseException, secrets: set[str]) -> list[str]:
    """Name the places where a secret stands; never with it."""
    finder = Finder(secrets)
    return [
        place.partition(" = ")[0][:80]
        for place in everything_in(error)
        if finder.dress_in(place.encode(errors="replace")) is not None
    ]


FAULTS: dict[str, Callable[[], BaseException]] = {
    "a fault of the program": lambda: RuntimeError("a fault"),
    "Ctrl-C": KeyboardInterrupt,
    "a full disk": lambda: OSError(28, "No space left on device"),
    "a store that is gone": lambda: StoreUnavailable("gone"),
    "a commit without an answer": lambda: CommitUnknown("no answer"),
}


@pytest.fixture
def place() -> Iterator[Place]:
    """Give SQLite and age files."""
    with fast_folder() as folder:
        made = place_of("sqlite-age", folder, postgres_url=None, vault=None)
        yield made
        made.close()


@pytest.mark.parametrize("name", FAULTS)
def test_no_error_at_any_point_of_a_run_keeps_a_secret(
    name: str, place: Place, witness: Witness
) -> None:
    """Raised before or after each effect, and at each step on the disk: frames hold no plain text."""
    step, found = applying(spec("a")), list[str]()
    for point in range(60):
        place.begin()
        points = Points()

        def strike(effect: Effect, *, points: Points = points, point: int = point) -> None:
            points.effect(effect)
            if len(points.seen) == point + 1:
                fault = FAULTS[name]()
                raise fault

        with place.opened() as both:
            try:
                step.run(both, strike)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked through
                found += leaks_of(error, witness.secrets)
        if len(points.seen) <= point:
            break
    else:
        pytest.fail("the run never came to its end")
    assert found == []


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, MemoryError])
def test_a_fault_below_argon2_keeps_no_frame_that_holds_the_secret(
    fault: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library is given plain text, to hash and to verify."""
    key, entropy = Secret(text()), FakeEntropy()
    stored = hashing.hash_key(key, entropy=entropy, profile=HashProfile.TOKEN)

    class Broken:
        def __getattr__(self, name: str) -> None:
            raise fault

    monkeypatch.setattr(low_level, "lib", Broken())
    with pytest.raises(fault) as caught:
        hashing.hash_key(key, entropy=entropy, profile=HashProfile.TOKEN)
    assert leaks_of(caught.value, {text()}) == []
    with pytest.raises(fault) as caught:
        hashing.verify(stored, key)
    assert leaks_of(caught.value, {text()}) == []


@pytest.mark.parametrize("name", ANSWERS)
def test_no_answer_of_vaults_leaves_a_secret_in_an_error(name: str, witness: Witness) -> None:
    """Every row of the table of answers: what the run raises or tells holds none."""
    with one_run(ANSWERS[name]) as run:
        shown = "\n".join(map(repr, run.world.watched))
        assert Finder(witness.secrets).dress_in(shown.encode()) is None


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, MemoryError])
def test_a_fault_below_hvac_keeps_no_frame_that_holds_the_secret(
    fault: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request's body is plain text in a library's frames."""

    def broken(*_: object) -> None:
        raise fault

    monkeypatch.setattr(vault_pool.ConnectionPool, "send", broken)
    with canned() as server, opened(server.address) as sink, pytest.raises(fault) as caught:
        sink.write("payments/prod/a", payload(), expected=0)
    assert leaks_of(caught.value, {text()}) == []


def test_a_secret_in_a_local_is_found() -> None:
    """The search itself can fail: a plain text in a frame of the program is named by its place."""
    source = "def careless(api_key):\n    raise ValueError('no')\n"
    program: dict[str, Any] = {}
    exec(compile(source, "reconciler/careless.py", "exec"), program)
    with pytest.raises(ValueError, match="no") as caught:
        program["careless"](text())
    assert leaks_of(caught.value, {text()}) == ["careless.api_key"]
    with pytest.raises(KeyrecError) as told:
        raise KeyrecError("x", advice=text())
    assert leaks_of(told.value, {text()}) != []


def test_neither_environment_nor_command_line_of_any_process_holds_a_secret(
    local_desk: Desk, witness: Witness
) -> None:
    """Of the program and of what it starts, looked at over and over while it works."""
    desk = local_desk
    desk.write("keys/shop/a.yaml", KEY % principal())
    seen: set[bytes] = set()
    with desk.started("apply", "--auto-approve", "-vv") as process:
        while process.poll() is None:
            seen |= set(_told_by(process.pid))
            time.sleep(0.002)
    assert desk.said_by(process).code == 0
    assert any(b"apply" in told for told in seen), "the process was seen"
    finder = Finder(witness.secrets)
    assert [told for told in seen if finder.dress_in(told)] == []


def _told_by(pid: int) -> Iterator[bytes]:
    """Give environment and command line of a process and of its children."""
    for one in (pid, *_children(pid)):
        for name in ("environ", "cmdline"):
            try:
                yield Path(f"/proc/{one}/{name}").read_bytes()
            except OSError:
                continue


def _children(pid: int) -> list[int]:
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in told.split()]


def test_a_secret_in_the_environment_or_on_the_command_line_is_found(witness: Witness) -> None:
    """The search itself can fail."""
    del witness
    planted = text()
    command = [sys.executable, "-c", "import time; time.sleep(30)", planted]
    with subprocess.Popen(command, env={"PLANTED": planted.encode().hex()}) as child:
        try:
            told = list(_told_by(child.pid))
        finally:
            child.kill()
    assert [Finder([planted]).dress_in(t) for t in told] == ["hex", "plain"]


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
def test_a_process_that_made_secrets_leaves_no_core(number: signal.Signals) -> None:
    """However it dies; and no other process of the same user may look into it."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))
        done = harden_process()
        is_dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        if done != ("no-core", "not-dumpable") or is_dumpable or limits != (0, 0):
            os._exit(1)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == number
    assert not os.WCOREDUMP(status)


def test_a_run_hardens_its_process_before_the_first_secret(local_desk: Desk) -> None:
    """Read from outside while the run waits: no core, and not dumpable."""
    desk = local_desk
    desk.write("keys/shop/a.yaml", KEY % principal())
    with desk.started("apply", "--auto-approve") as process:
        is_hardened = False
        while process.poll() is None and not is_hardened:
            limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="ascii")
            is_hardened = re.search(r"Max core file size +0 +0 ", limits) is not None
            time.sleep(0.001)
    assert is_hardened
