"""What becomes of one request on a connection that is not a real one: always a value."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from reconciler.adapters import timely_socket
from reconciler.adapters.vault_pool import ConnectionPool, Lost, NotWritten
from reconciler.adapters.vault_wire import Request, Response
from reconciler.config import VaultAuth
from reconciler.errors import SinkMisconfigured
from tests.adapters.vault_rigs import DATA, HEALTH, HEALTHY, PATH, Hours, opened, written
from tests.contracts.sink_rigs import payload
from tests.services.canned import canned

ASKED = Request(method="GET", target="/v1/sys/health", headers={})
OK = b"HTTP/1.1 200 OK\r\n"


class Line:
    """As much of a connection, and of its socket, as the pool uses."""

    host, port = "vault.example", 8200

    def __init__(self, come: Callable[[], bytes]) -> None:
        """`come` gives what is received next."""
        self._come = come
        self.patience: list[float] = []
        self.is_closed = False

    @property
    def sock(self) -> Line:
        """Be the socket as well."""
        return self

    def connect(self) -> None:
        """Do nothing."""

    def setsockopt(self, *_: int) -> None:
        """Do nothing."""

    def settimeout(self, seconds: float) -> None:
        """Remember how long it would have waited."""
        self.patience.append(seconds)

    def sendall(self, _data: bytes) -> None:
        """Do nothing."""

    def recv(self, _count: int) -> bytes:
        """Give what comes next."""
        return self._come()

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True


def pool_over(line: Line, *, answer_timeout: float = 5.0) -> ConnectionPool:
    """Give a pool whose connections are this one."""
    return ConnectionPool(
        lambda: line,  # type: ignore[arg-type,return-value]  # as much of one as is needed
        host="vault.example:8200",
        size=1,
        answer_timeout=answer_timeout,
    )


@pytest.mark.parametrize("digits", [11, 5000])
def test_an_absurd_length_is_a_lost_answer(digits: int) -> None:
    """Python refuses to read a number of 5000 digits; a run must not end with that."""
    text = OK + b"Content-Length: " + b"9" * digits + b"\r\n\r\n{}"
    line = Line(lambda: text)
    assert pool_over(line).send(ASKED) == Lost(reason="the answer was cut off or too long")
    assert line.is_closed


def test_whatever_is_met_while_an_answer_is_read_is_a_lost_answer() -> None:
    """A TLS socket that was shut from the other side raises a ValueError when it is read."""

    def shut() -> bytes:
        raise ValueError("Read on closed or unwrapped SSL socket.")

    line = Line(shut)
    assert isinstance(pool_over(line).send(ASKED), Lost)
    assert line.is_closed


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    """Give a time that passes only when something comes."""
    hours = Hours()
    monkeypatch.setattr(timely_socket, "time", SimpleNamespace(monotonic=lambda: hours.seconds))
    return hours


def test_an_answer_that_drips_is_lost_at_its_deadline(hours: Hours) -> None:
    """One byte every 29 seconds keeps every single silence, and would hold a thread for days."""
    text: Iterator[int] = iter(OK + b"Content-Length: 2\r\n\r\n{}")

    def drop() -> bytes:
        hours.seconds += 29.0
        return bytes([next(text)])

    line = Line(drop)
    exchange = pool_over(line, answer_timeout=60.0).send(ASKED)
    assert exchange == Lost(reason="it took too long")
    assert line.patience == [60.0, 60.0, 31.0, 2.0]
    assert line.is_closed


def test_one_long_silence_within_the_deadline_is_waited_for(hours: Hours) -> None:
    """A busy Vault answers late; the shorter patience with other servers is not for it."""

    def late() -> bytes:
        hours.seconds += 29.0
        return OK + b"Content-Length: 2\r\n\r\n{}"

    line = Line(late)
    assert isinstance(pool_over(line, answer_timeout=30.0).send(ASKED), Response)
    assert line.patience == [30.0, 30.0]


def test_a_kept_connection_has_its_whole_time_again(hours: Hours) -> None:
    """What the last answer left of its own is nothing to the next request."""
    ours, theirs = socket.socketpair()
    with ours, theirs:

        class Kept(Line):
            def fileno(self) -> int:
                return ours.fileno()

        def late() -> bytes:
            hours.seconds += 29.0
            return OK + b"Content-Length: 2\r\n\r\n{}"

        line = Kept(late)
        pool = pool_over(line, answer_timeout=30.0)
        assert [type(pool.send(ASKED)) for _ in range(2)] == [Response, Response]
    assert line.patience == [30.0] * 4


def test_what_cannot_be_written_is_not_sent_and_keeps_the_connection() -> None:
    """Nothing is wrong with the network."""
    line = Line(bytes)
    asked = Request(method="GET", target="/", headers={"X-Vault-Token": "a\tb"})
    assert pool_over(line).send(asked) == NotWritten()
    assert not line.is_closed


@pytest.mark.parametrize(
    ("namespace", "token"), [("команда", "hvs.canary"), ("team", "hvs.\tcanary")]
)
def test_a_token_or_namespace_that_no_request_can_hold_is_a_wrong_setting(
    namespace: str, token: str
) -> None:
    """It is told as one, without the token, and nothing is tried again."""
    hours = Hours()
    auth = VaultAuth(token=SecretStr(token))
    with (
        canned() as server,
        opened(server.address, auth=auth, namespace=namespace, hours=hours) as sink,
    ):
        server.answer(DATA, written(1))
        server.answer(HEALTH, HEALTHY)
        for act in (
            lambda: sink.write(PATH, payload(), expected=0),
            lambda: sink.observe(PATH),
        ):
            with pytest.raises(SinkMisconfigured) as met:
                act()
            assert "the token or the namespace cannot be written" in met.value.message
            assert "VAULT_TOKEN" in met.value.advice
            assert "VAULT_NAMESPACE" in met.value.advice
            assert "canary" not in met.value.message + met.value.advice
        assert server.received == []
    assert hours.pauses == []
