"""The real clock, chance, process settings and user, and the fakes that stand for them."""

import ctypes
import os
import pwd
import resource
import subprocess
import sys
import uuid
from collections import Counter
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from reconciler.adapters.local_identity import LocalIdentity
from reconciler.adapters.system import SystemClock, SystemEntropy, harden_process
from reconciler.model.token import ALPHABET
from reconciler.ports import Clock, Entropy, Identity
from tests.fakes.system import START, FakeClock, FakeEntropy


def test_the_adapters_and_the_fakes_are_what_the_ports_ask_for():
    """The type checker reads this line; running it shows that nothing is abstract."""
    clocks: list[Clock] = [SystemClock(), FakeClock()]
    chances: list[Entropy] = [SystemEntropy(), FakeEntropy()]
    identities: list[Identity] = [LocalIdentity()]

    assert all(clock.now().utcoffset() == timedelta(0) for clock in clocks)
    assert all(chance.base62(3) for chance in chances)
    assert all(identity.principal() for identity in identities)


def test_the_clock_gives_the_time_in_utc():
    """Between two readings of the system's own clock."""
    before = datetime.now(timezone.utc)
    now = SystemClock().now()

    assert before <= now <= datetime.now(timezone.utc)
    assert now.tzinfo is timezone.utc


@pytest.mark.parametrize("entropy", [SystemEntropy(), FakeEntropy()], ids=["system", "fake"])
@pytest.mark.parametrize("length", [0, 1, 12, 43, 100])
def test_drawn_digits_are_of_the_alphabet_and_as_many_as_asked(entropy, length):
    """Nothing else may stand in a key."""
    text = entropy.base62(length)

    assert len(text) == length
    assert set(text) <= set(ALPHABET)


def test_every_digit_is_drawn_about_equally_often():
    """A biased draw (a byte modulo 62 favours eight digits by a quarter) would fail this."""
    drawn = 62 * 4000

    counts = Counter(SystemEntropy().base62(drawn))

    expected = drawn / 62
    chi_squared = sum((counts[digit] - expected) ** 2 / expected for digit in ALPHABET)
    assert len(counts) == 62
    assert chi_squared < 200, "61 degrees of freedom: a fair draw exceeds this never in practice"


@pytest.mark.parametrize("entropy", [SystemEntropy(), FakeEntropy()], ids=["system", "fake"])
def test_an_identifier_is_a_new_version_4_uuid(entropy):
    """36 characters, never the same twice."""
    drawn = [entropy.identifier() for _ in range(100)]

    assert len(set(drawn)) == 100
    assert all(str(uuid.UUID(text)) == text and uuid.UUID(text).version == 4 for text in drawn)


def test_two_real_draws_differ():
    """Two secrets of 43 digits are equal with a chance of one in 2 to the 256."""
    entropy = SystemEntropy()

    assert entropy.base62(43) != entropy.base62(43)


PROBE = """
import ctypes, resource
from reconciler.adapters.system import harden_process
print(*harden_process())
print(resource.getrlimit(resource.RLIMIT_CORE))
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux")
def test_a_hardened_process_can_neither_be_dumped_nor_traced():
    """Asked of the kernel, in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, timeout=60
    )

    assert answer.stdout.splitlines() == ["no-core not-dumpable", "(0, 0)", "0"]


def test_a_system_that_refuses_to_harden_is_reported_and_not_fatal(monkeypatch):
    """Best effort: what did not take effect is missing in the answer."""

    def refuse(*_):
        raise OSError("not permitted")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(ctypes, "CDLL", refuse)

    assert harden_process() == ()


@pytest.mark.parametrize(
    ("platform", "answer", "done"),
    [
        ("linux", 0, ("no-core", "not-dumpable")),
        ("linux", -1, ("no-core",)),
        ("darwin", 0, ("no-core",)),
    ],
)
def test_only_linux_is_asked_not_to_dump(monkeypatch, platform, answer, done):
    """Elsewhere prctl is not called; a refusal by the kernel is not taken for success."""
    limits = []
    library = SimpleNamespace(prctl=lambda *_: answer)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: limits.append(limit))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)

    assert harden_process() == done
    assert limits == [(resource.RLIMIT_CORE, (0, 0))]


def test_the_local_principal_is_the_real_user():
    """Named by the user database."""
    assert LocalIdentity().principal() == f"local:{pwd.getpwuid(os.getuid()).pw_name}"


def test_the_environment_does_not_say_who_somebody_is(monkeypatch):
    """`USER=alice keyrec apply` is still the same user."""
    honest = LocalIdentity().principal()
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "platform-admin")

    assert LocalIdentity().principal() == honest


def test_a_user_without_a_name_is_named_by_number(monkeypatch):
    """Containers run with any number; the form cannot be a user's name."""
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_001)

    assert LocalIdentity().principal() == "local:uid:4000000001"


def test_the_fake_clock_moves_only_when_told():
    """And then by exactly what it was told."""
    clock = FakeClock()

    assert clock.now() == clock.now() == START
    assert clock.advance(timedelta(hours=1)) == START + timedelta(hours=1)
    assert clock.now() == START + timedelta(hours=1)


def test_the_fake_chance_repeats_itself_by_seed_and_never_within_one():
    """Runs are repeatable, ids are unique."""
    one, same, other = FakeEntropy("a"), FakeEntropy("a"), FakeEntropy("b")
    drawn = [one.base62(12) for _ in range(200)]

    assert drawn == [same.base62(12) for _ in range(200)]
    assert len(set(drawn)) == 200
    assert not set(drawn) & {other.base62(12) for _ in range(200)}
