"""Ctrl-C: the first ends a run cleanly, the second at once; the next run finishes."""

from __future__ import annotations

import json
import signal
import threading

import pytest

from reconciler.cli.interrupts import FAREWELL, stopping
from reconciler.cli.running import watched
from reconciler.cli.session import Session
from reconciler.errors import Interrupted, Locked
from tests.fakes.command_line import CommandLine

KEY = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata: {{name: key-{number:04}, workspace: demo, description: number {number}}}
spec: {{environment: dev, scopes: {{Webhooks: read}}}}
"""
KEYS = 600


def test_the_first_signal_asks_and_the_second_ends() -> None:
    """A person who waits is told that once more is at once."""
    stop = threading.Event()
    said: list[str] = []
    with stopping(stop, said.append):
        signal.raise_signal(signal.SIGTERM)
        assert (stop.is_set(), said) == (True, [FAREWELL])
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert said == [FAREWELL]


def test_afterwards_signals_are_answered_as_before() -> None:
    """The run's answer does not outlive the run."""
    before = signal.getsignal(signal.SIGINT)
    with stopping(threading.Event(), lambda _: None):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_thread_leaves_the_signals_alone() -> None:
    """Only a main thread can answer them; a run in a thread is stopped by its event."""
    seen: list[str] = []

    def work() -> None:
        with stopping(threading.Event(), seen.append):
            seen.append("ran")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["ran"]


def test_ctrl_c_in_an_apply_gives_a_clean_report_and_the_next_apply_finishes(
    started: CommandLine,
) -> None:
    """Exit code 130, no key without its secret, nothing done twice."""
    documents = "---\n".join(KEY.format(number=number) for number in range(KEYS))
    started.write("keys/demo/many.yaml", documents)
    process = started.start("apply", "--auto-approve", "--parallelism", "1", "-json", "-vv")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("applied       demo/key-"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, "Traceback" in err) == (130, False), out + err[-2000:]
    assert FAREWELL in err
    report = json.loads(out)
    assert (report["interrupted"], report["exit"]) == (True, "interrupted")
    assert report["summary"]["not_attempted"] > 0
    done = len(started("status", "-json").json["keys"])
    assert 0 < done < KEYS + 1
    answer = started("apply", "--auto-approve")
    assert answer.code == 0
    assert started("plan").out == f"No changes. {KEYS + 1} keys match.\n"
    states = {len(k["versions"]) for k in started("status", "-json").json["keys"]}
    assert states == {1}


def test_ctrl_c_while_waiting_for_the_lease_is_an_interruption() -> None:
    """130, not 7: nobody gave up because of the other run."""
    session = Session()
    session.stop.set()
    with pytest.raises(Interrupted), watched(session):
        raise Locked("somebody else", advice="")
    with pytest.raises(Locked), watched(Session()):
        raise Locked("somebody else", advice="")


def test_a_reader_that_goes_away_does_not_stop_a_run(started: CommandLine) -> None:
    """`keyrec apply | head -1` applies everything, and says so by its exit code."""
    process = started.start("apply", "--auto-approve")
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    assert process.wait(timeout=60) == 0
    assert started("plan").out == "No changes. 1 key matches.\n"
