"""No error holds a secret: not in its text, its arguments, its chain, nor in any frame's variables."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from reconciler.adapters import vault_seen, vault_sink
from reconciler.adapters.age_sink import AgeSink
from reconciler.config import VaultAuth, VaultAuthMethod
from reconciler.errors import KeyrecError
from tests.adapters.test_vault_answers import TABLE
from tests.adapters.vault_rigs import DATA, METADATA, PATH, metadata, opened
from tests.contracts.sink_rigs import payload, text
from tests.services.canned import Cut, Reply, canned, replied

GIVEN = "hvs.canary-given"
JWT = "canaryheader.canaryclaims.canarysignature"
RECIPIENT = "age1y24tyggu0r49df69yl6ltccg0a0sk3v8mtjxwfg2y5xq750r4vgstf9qq7"
SECRETS = (text(), GIVEN, JWT, "canary-secret-id", "hvs.canary-obtained")


def echo(status: int) -> Reply:
    """Answer as a server between us and Vault that repeats what it was sent."""
    return replied({"errors": [*SECRETS], "data": {"data": list(SECRETS)}}, status)


def traces(error: BaseException) -> Iterator[str]:
    """Give everything that a crash reporter would collect, along the whole chain."""
    waiting: list[BaseException | None] = [error]
    while waiting:
        met = waiting.pop()
        if met is None:
            continue
        yield from (str(met), repr(met), repr(met.args), repr(vars(met)))
        for frame, _ in traceback.walk_tb(met.__traceback__):
            if "/reconciler/" in frame.f_code.co_filename or "hvac" in frame.f_code.co_filename:
                yield repr(frame.f_locals)
        collected = traceback.TracebackException.from_exception(met, capture_locals=True)
        yield from (line for line in collected.format() if "test_vault_secrecy" not in line)
        waiting += [met.__cause__, met.__context__]


def assert_no_secret(error: BaseException) -> None:
    """Fail where any trace of the error holds a secret."""
    for trace in traces(error):
        for secret in SECRETS:
            assert secret not in trace


def provoked(act: Callable[[], object]) -> KeyrecError:
    """Give the error that an act ends with."""
    with pytest.raises(KeyrecError) as met:
        act()
    return met.value


@pytest.mark.parametrize(
    "reply",
    [
        *[pytest.param(row[1], id=row[0]) for row in TABLE],
        *[pytest.param(echo(status), id=f"echo {status}") for status in (200, 400, 403, 404, 500)],
    ],
)
def test_a_failed_write_shows_no_secret(reply):
    """Whatever the server did or repeated."""
    auth = VaultAuth(token=SecretStr(GIVEN))
    with canned() as server, opened(server.address, auth=auth, answer_timeout=0.3) as sink:
        server.answer(DATA, reply)
        assert_no_secret(provoked(lambda: sink.write(PATH, payload(), expected=0)))


@pytest.mark.parametrize("reply", [echo(400), echo(403), echo(500), Cut()])
def test_a_failed_look_or_cleanup_shows_no_secret(reply):
    """Reads carry the token, and answers may carry values."""
    auth = VaultAuth(token=SecretStr(GIVEN))
    with canned() as server, opened(server.address, auth=auth, max_retries=0) as sink:
        server.answer("/v1/", reply)
        assert_no_secret(provoked(lambda: sink.observe(PATH)))
        assert_no_secret(provoked(lambda: sink.destroy(PATH, [1])))
        assert_no_secret(provoked(sink.read_anchor))


def test_a_failure_after_a_value_was_read_shows_no_secret():
    """The anchor's place holding a key is the nearest thing to that."""
    key = replied({"data": {"metadata": {}, "data": {"api_key": text()}}})
    with canned() as server, opened(server.address) as sink:
        server.answer(METADATA, metadata(1))
        server.answer(DATA, key)
        assert_no_secret(provoked(sink.read_anchor))


@pytest.mark.parametrize(
    ("room", "interrupted", "act"),
    [
        (vault_seen, "_is_word", lambda sink: sink.observe(PATH)),
        (vault_sink, "isinstance", lambda sink: sink.read_anchor()),
    ],
)
def test_a_ctrl_c_while_a_value_is_being_read_shows_no_secret(monkeypatch, room, interrupted, act):
    """It may come between any two steps, also while the value stands in a variable."""

    def ctrl_c(value: object, kind: type = int) -> bool:
        if kind is int:
            raise KeyboardInterrupt
        return isinstance(value, kind)

    monkeypatch.setattr(room, interrupted, ctrl_c, raising=False)
    value = replied({"data": {"metadata": {"version": 1}, "data": {"api_key": text()}}})
    with canned() as server, opened(server.address) as sink:
        server.answer(METADATA, metadata(1))
        server.answer(DATA, value)
        with pytest.raises(KeyboardInterrupt) as met:
            act(sink)
    assert_no_secret(met.value)


@pytest.mark.parametrize("reply", [echo(200), echo(400), echo(403), echo(500), Cut()])
@pytest.mark.parametrize("method", [VaultAuthMethod.APPROLE, VaultAuthMethod.JWT])
def test_a_failed_login_shows_no_credential(reply, method):
    """Neither ours nor what the server repeats."""
    auth = VaultAuth(
        method=method,
        mount="m",
        role="r",
        role_id="i",
        secret_id=SecretStr("canary-secret-id"),
        jwt=SecretStr(JWT),
    )
    with canned() as server, opened(server.address, auth=auth) as sink:
        server.answer("/v1/auth/", reply)
        assert_no_secret(provoked(lambda: sink.write(PATH, payload(), expected=0)))


def test_a_token_that_is_no_header_shows_nothing_and_is_not_sent():
    """A line break in a variable must not become a header of its own, nor a message."""
    auth = VaultAuth(token=SecretStr(f"{GIVEN}\r\nX-Other: 1"))
    with canned() as server, opened(server.address, auth=auth) as sink:
        assert_no_secret(provoked(lambda: sink.write(PATH, payload(), expected=0)))
        assert server.received == []


def test_a_failed_write_of_an_age_file_shows_no_secret(tmp_path):
    """The folder is not there."""
    sink = AgeSink(tmp_path / "nowhere", recipients=(RECIPIENT,))
    assert_no_secret(provoked(lambda: sink.write(PATH, payload(), expected=0)))


def test_the_check_finds_a_secret_where_there_is_one():
    """The test above can fail: a naive error is caught."""

    def naive(body: str) -> None:
        try:
            int(body)
        except ValueError as error:
            raise KeyrecError("nothing to see") from error

    with pytest.raises(AssertionError):
        assert_no_secret(provoked(lambda: naive(text())))
