"""The contract of the port `SecretSink`, on every implementation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import SinkMisconfigured
from reconciler.ports import CheckAndSetRefused, PathSeen, SecretSink
from tests.contracts.sink_rigs import Rig, age_rig, fake_rig, payload, text, vault_rig

PATH = "payments/prod/billing-sync"


@pytest.fixture(params=["fake", "fake-readable", "age", "vault", "vault-readable"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Give one implementation after the other; every sink it opens is closed at the end."""
    made = made_rig(request, tmp_path)
    with contextlib.ExitStack() as opened:

        def reopened() -> SecretSink:
            sink = made.reopened()
            opened.callback(sink.close)
            return sink

        yield replace(made, reopened=reopened)


def made_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    """Give the implementation that the fixture's parameter names."""
    readable = request.param.endswith("-readable")
    match request.param.removesuffix("-readable"):
        case "fake":
            return fake_rig(readable=readable)
        case "age":
            return age_rig(tmp_path)
        case _:
            client = request.getfixturevalue("vault_client")
            return vault_rig(client, request.getfixturevalue("vault_mount"), readable=readable)


@pytest.fixture
def sink(rig: Rig) -> SecretSink:
    """Give the sink as a first run opens it."""
    return rig.reopened()


def test_a_path_never_written_is_at_version_0(sink):
    """Nothing there, and looking makes nothing."""
    assert sink.observe(PATH) == PathSeen(version=0, content=None)
    assert sink.observe(PATH) == PathSeen(version=0, content=None)


def test_the_first_write_makes_version_1_and_the_consumer_reads_the_key(rig, sink):
    """What the consumer reads is the complete key, byte for byte."""
    assert sink.write(PATH, payload(1), expected=0) == 1
    assert sink.observe(PATH).version == 1
    assert rig.consumed(PATH) == text(1)


def test_every_write_at_the_expected_version_counts_one_up(rig, sink):
    """The consumer always reads the latest."""
    for number in (1, 2, 3):
        assert sink.write(PATH, payload(number), expected=number - 1) == number
        assert rig.consumed(PATH) == text(number)


@pytest.mark.parametrize("expected", [0, 1, 3, 4])
def test_a_write_at_another_version_is_refused_and_changes_nothing(rig, sink, expected):
    """Check-and-set: neither an older nor a newer expectation writes."""
    sink.write(PATH, payload(1), expected=0)
    sink.write(PATH, payload(2), expected=1)
    assert sink.write(PATH, payload(3), expected=expected) == CheckAndSetRefused()
    assert sink.observe(PATH).version == 2
    assert rig.consumed(PATH) == text(2)


def test_a_write_that_expects_versions_on_a_fresh_path_is_refused(rig, sink):
    """A path that was forgotten outside cannot be continued by mistake."""
    assert sink.write(PATH, payload(2), expected=1) == CheckAndSetRefused()
    assert sink.observe(PATH).version == 0
    assert rig.consumed(PATH) is None


def test_of_many_writes_at_once_with_the_same_expectation_one_wins(rig, sink):
    """Two workers, one outcome."""
    with ThreadPoolExecutor(4) as threads:
        numbers = range(1, 9)
        results = list(threads.map(lambda n: sink.write(PATH, payload(n), expected=0), numbers))
    won = [n for n, result in zip(numbers, results, strict=True) if result == 1]
    assert len(won) == 1
    assert results.count(CheckAndSetRefused()) == len(results) - 1
    assert rig.consumed(PATH) == text(won[0])


def test_writes_at_different_paths_do_not_disturb_each_other(rig, sink):
    """Parallel writes of one run."""
    paths = [f"payments/{e}/{n}" for e in ("dev", "prod") for n in ("a", "b", "c", "d")]
    with ThreadPoolExecutor(4) as threads:
        results = list(
            threads.map(
                lambda numbered: sink.write(numbered[1], payload(numbered[0]), expected=0),
                enumerate(paths),
            )
        )
    assert results == [1] * len(paths)
    assert [rig.consumed(path) for path in paths] == [text(n) for n, _ in enumerate(paths)]


def test_a_path_may_continue_another_one(rig, sink):
    """`a` and `a/b` are two paths."""
    assert sink.write("payments/a", payload(1), expected=0) == 1
    assert sink.write("payments/a/b", payload(2), expected=0) == 1
    assert rig.consumed("payments/a") == text(1)
    assert rig.consumed("payments/a/b") == text(2)


def test_the_next_run_sees_the_version(rig, sink):
    """The count lives in the sink."""
    sink.write(PATH, payload(1), expected=0)
    sink.close()
    again = rig.reopened()
    assert again.observe(PATH).version == 1
    assert again.write(PATH, payload(2), expected=1) == 2


def test_a_value_is_given_only_where_reading_is_allowed(rig, sink):
    """With the right it is the latest value with its ids; without it is None."""
    sink.write(PATH, payload(1), expected=0)
    sink.write(PATH, payload(2), expected=1)
    content = sink.observe(PATH).content
    if not rig.is_readable:
        assert content is None
        return
    assert content is not None
    assert content.api_key.reveal() == text(2)
    assert (content.key_id, content.version_id) == ("key-1", payload(2).version_id)


def test_a_strangers_value_is_told_from_ours_where_reading_is_allowed(rig, sink):
    """It is never shown; without the right nothing is said of it but its number."""
    sink.write(PATH, payload(1), expected=0)
    rig.overwrite(PATH)
    assert sink.observe(PATH) == PathSeen(version=2, content=None, is_foreign=rig.is_readable)
    assert sink.write(PATH, payload(2), expected=2) == 3
    assert not sink.observe(PATH).is_foreign


def test_a_latest_value_that_was_taken_away_is_said_to_be_gone(rig, sink):
    """Consumers read nothing then, although the version count is what it was."""
    sink.write(PATH, payload(1), expected=0)
    assert not sink.observe(PATH).is_gone
    rig.empty(PATH)
    assert rig.consumed(PATH) is None
    assert sink.observe(PATH) == PathSeen(version=1, content=None, is_gone=True)
    assert sink.write(PATH, payload(2), expected=1) == 2
    assert not sink.observe(PATH).is_gone


def test_destroying_the_latest_version_empties_the_path_and_keeps_the_count(rig, sink):
    """An old delayed write can never land on a count that started again."""
    sink.write(PATH, payload(1), expected=0)
    sink.write(PATH, payload(2), expected=1)
    sink.destroy(PATH, [1, 2])
    assert rig.consumed(PATH) is None
    assert sink.observe(PATH) == PathSeen(version=2, content=None, is_gone=True)
    assert sink.write(PATH, payload(3), expected=0) == CheckAndSetRefused()
    assert sink.write(PATH, payload(3), expected=2) == 3
    assert rig.consumed(PATH) == text(3)


def test_destroying_an_older_version_leaves_the_latest(rig, sink):
    """The cleanup after a rotation."""
    sink.write(PATH, payload(1), expected=0)
    sink.write(PATH, payload(2), expected=1)
    sink.destroy(PATH, [1])
    assert rig.consumed(PATH) == text(2)
    assert sink.observe(PATH).version == 2


def test_destroying_is_repeatable_and_minds_nothing_absent(rig, sink):
    """Done twice, for versions that never were, at a path that never was, for none at all."""
    sink.write(PATH, payload(1), expected=0)
    sink.destroy(PATH, [1])
    sink.destroy(PATH, [1])
    sink.destroy(PATH, [7])
    sink.destroy(PATH, [])
    sink.destroy("payments/prod/never-there", [1])
    assert sink.observe(PATH).version == 1
    assert sink.observe("payments/prod/never-there").version == 0


def test_the_anchor_is_written_by_check_and_set(rig, sink):
    """It starts at 0, counts up, refuses another version, and outlives the run."""
    assert sink.read_anchor() == (0, "")
    assert sink.write_anchor('{"sequence":1}', expected=0) == 1
    assert sink.write_anchor('{"sequence":2}', expected=0) == CheckAndSetRefused()
    assert sink.write_anchor('{"sequence":2}', expected=1) == 2
    sink.close()
    assert rig.reopened().read_anchor() == (2, '{"sequence":2}')


def test_the_identity_is_the_same_in_every_run(rig, sink):
    """A digest and a policy are bound to it."""
    first = sink.identity()
    sink.close()
    assert first
    assert rig.reopened().identity() == first


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/payments/a",
        "payments/a/",
        "payments//a",
        "payments/../../sys/policy/x",
        "payments/./a",
        "payments/.hidden",
        "_keyrec/anchor",
        "payments/a b",
        "payments/a\n",
        "payments/a%2f..%2fb",
        "payments/a?version=1",
        "payments/ä",
    ],
)
def test_a_path_outside_of_the_grammar_is_refused(sink, path):
    """Every method checks again, whatever the model said before."""
    with pytest.raises(SinkMisconfigured):
        sink.write(path, payload(), expected=0)
    with pytest.raises(SinkMisconfigured):
        sink.observe(path)
    with pytest.raises(SinkMisconfigured):
        sink.destroy(path, [1])


def test_the_preflight_passes_where_writes_would_work(sink):
    """No check fails on a sink that is set up."""
    checks = sink.preflight()
    assert checks
    assert [check for check in checks if not check.passed] == []


def test_the_preflight_leaves_nothing_behind(sink):
    """It may run on every plan."""
    sink.preflight()
    assert sink.observe(PATH).version == 0
    assert sink.read_anchor() == (0, "")


def test_closing_twice_is_allowed(sink):
    """A clean report after an interruption may close again."""
    sink.close()
    sink.close()
