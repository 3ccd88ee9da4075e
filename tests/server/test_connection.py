"""A connection is limited: in the length of a request's head, and in the time it may take."""

from __future__ import annotations

import asyncio
import contextlib
import logging.config
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

import pytest
from uvicorn.server import ServerState

from reconciler.model.scopes import INTROSPECT
from reconciler.server import connection, listening
from reconciler.server.connection import (
    LONGEST_HEAD,
    LimitedConnection,
    allow_files,
    most_connections,
)
from reconciler.server.listening import config_of
from reconciler.server.requests import Application, Receive, Scope, Send
from tests.credentials.examples import API_KEY
from tests.server.asking import Desk

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]
KEY = API_KEY.reveal().encode()
ASKS = b"GET /v1/authorize HTTP/1.1\r\nHost: keyrec\r\nX-API-Key: " + KEY + b"\r\n"


def talk(conversation: Talk, app: Application | None = None, *, buffer: int | None = None) -> bytes:
    """Hold a conversation with the endpoint on a socket of its own.

    `buffer`: about how much of an answer the system takes, at each end, before anybody reads it.
    """

    async def both() -> bytes:
        config = config_of(lambda: app or Desk().app)
        config.log_config = None
        config.load()
        state = ServerState()

        def made() -> asyncio.Protocol:
            return LimitedConnection(config=config, server_state=state, app_state={})

        server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        mine = socket.socket()
        if buffer is not None:
            server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        mine.connect(server.sockets[0].getsockname())
        reader, writer = await asyncio.open_connection(sock=mine)
        try:
            return await conversation(reader, writer)
        finally:
            writer.close()
            server.close()

    return asyncio.run(asyncio.wait_for(both(), 30))


def sending(*pieces: bytes) -> Talk:
    """Send pieces one after the other, and give all that comes until the other end closes."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()

    return conversation


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody take longer than a blink."""
    monkeypatch.setattr(connection, "REQUEST_SECONDS", 0.1)


def test_requests_follow_each_other_on_one_connection() -> None:
    """Also those that came together; no server is named."""
    answer = talk(sending(ASKS + b"\r\n" + ASKS + b"\r\n", ASKS + b"Connection: close\r\n\r\n"))
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"\r\nserver:" not in answer.lower()


@pytest.mark.parametrize(
    "pieces",
    [
        (ASKS, b"X-Long: " + b"a" * LONGEST_HEAD + b"\r\n\r\n"),
        (ASKS, b"X-Long: ", *[b"a" * 4096] * 9),
        (ASKS, *[b"X-Short: aaaaaaaa\r\n" * 100] * 20),
        (b"GET /v1/authorize/" + b"a" * LONGEST_HEAD + b" HTTP/1.1\r\n\r\n",),
    ],
    ids=["at once", "endless header", "endless headers", "path"],
)
def test_a_head_that_is_too_long_is_refused_and_the_connection_closed(pieces) -> None:
    """431, with or without its end."""
    answer = talk(sending(*pieces))
    assert b"HTTP/1.1 431 " in answer
    assert b'"code": "head-too-long"' in answer
    assert b"connection: close" in answer


def test_a_second_request_is_limited_as_the_first_is() -> None:
    """What came before does not count against it, nor for it."""

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(ASKS + b"\r\n")
        first = await reader.readuntil(b"\r\n\r\n")
        writer.write(ASKS + b"X-Long: " + b"a" * LONGEST_HEAD + b"\r\n\r\n")
        return first + await reader.read()

    answer = talk(twice)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"HTTP/1.1 431 " in answer


@pytest.mark.parametrize("cut", [0, 10, 20_000], ids=["whole", "early", "late"])
def test_a_second_request_is_limited_also_where_it_comes_with_the_first(cut) -> None:
    """Whole, or cut anywhere: no more than one of them is answered."""
    second = ASKS + b"X-Long: " + b"a" * LONGEST_HEAD + b"\r\n\r\n"
    answer = talk(sending(ASKS + b"\r\n" + second[: cut or None], second[cut:] if cut else b""))
    assert answer.count(b"HTTP/1.1 200 OK") <= 1
    assert len(answer) < 3000


def test_a_head_of_almost_that_length_is_taken() -> None:
    """The limit is a limit, not a habit."""
    more = b"X-Long: " + b"a" * (LONGEST_HEAD - 512) + b"\r\nConnection: close\r\n\r\n"
    assert talk(sending(ASKS, more)).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "text",
    [
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"CONNECT keyrec:443 HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
    ids=["word", "half", "connect", "bytes", "smuggled", "name", "tls"],
)
def test_what_is_no_request_is_answered_once_and_closed(text) -> None:
    """400 as a problem."""
    answer = talk(sending(text))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"HTTP/1.1 400 Bad Request" in answer
    assert b'"code": "not-http"' in answer


@pytest.mark.usefixtures("hurried")
def test_a_request_that_does_not_end_is_closed_with_a_word() -> None:
    """408, after the time that a request may take."""
    answer = talk(sending(ASKS))
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
    assert b'"code": "too-slow"' in answer


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("text", [b"", b"\r\n\r\n"], ids=["silence", "blank lines"])
def test_a_connection_on_which_nothing_is_asked_is_closed(text) -> None:
    """Blank lines are no request."""
    assert b"200" not in talk(sending(text))


@pytest.mark.usefixtures("hurried")
def test_bytes_that_drip_do_not_buy_time() -> None:
    """The time is that of the whole request."""

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        coming = asyncio.create_task(reader.read())
        while not coming.done():
            writer.write(b"GET" if not writer.is_closing() else b"")
            await asyncio.wait([coming], timeout=0.01)
        return coming.result()

    assert b"200" not in talk(dripping)


@pytest.mark.usefixtures("hurried")
def test_a_body_that_does_not_end_is_closed() -> None:
    """While the endpoint waits for it."""
    head = b"POST /v1/introspect HTTP/1.1\r\nHost: keyrec\r\nContent-Type: application/json\r\n"
    asks = head + b"X-API-Key: " + KEY + b"\r\nContent-Length: 50\r\n\r\n{"
    desk = Desk()
    desk.verifier.change(fields={"scopes": (INTROSPECT,)})
    assert talk(sending(asks), desk.app) == b""


def test_one_connection_too_many_is_closed_at_once(monkeypatch) -> None:
    """Without an answer: there is room for none."""
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 0)

    async def alone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        try:
            writer.write(ASKS + b"\r\n")
            return await reader.read()
        except ConnectionError:
            return b""

    assert talk(alone) == b""


CHUNKED = (
    b"POST /v1/authorize HTTP/1.1\r\nHost: keyrec\r\nConnection: close\r\n"
    b"Transfer-Encoding: chunked\r\n"
)


def test_a_trailer_is_no_header() -> None:
    """A key that comes after the body was shown to nobody in front of us."""
    trailer = b"0\r\nX-API-Key: " + KEY + b"\r\n\r\n"
    answer = talk(sending(CHUNKED + b"\r\n" + trailer))
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"missing-credential" in answer
    held = CHUNKED + b"X-API-Key: " + KEY + b"\r\n\r\n"
    assert talk(sending(held + b"0\r\nX-API-Key: another\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


def test_what_comes_after_a_head_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trailers without end, and bodies that nobody reads."""
    monkeypatch.setattr(connection, "LONGEST_REST", 10_000)
    monkeypatch.setattr(connection, "REQUEST_SECONDS", 60)
    trailers = [b"X-More: " + b"a" * 2000 + b"\r\n"] * 20

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(CHUNKED.replace(b"Connection: close\r\n", b"") + b"\r\n0\r\n")
        with contextlib.suppress(ConnectionError):
            for piece in trailers:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            await asyncio.wait_for(reader.read(), 5)
        return b"cut off"

    assert talk(told) == b"cut off"


def test_requests_that_are_sent_ahead_are_bounded() -> None:
    """A few are answered in turn; a client that sends more is cut off."""
    few = ASKS + b"\r\n"
    assert talk(sending(few * 10 + ASKS + b"Connection: close\r\n\r\n")).count(b" 200 OK") == 11

    async def many(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        said = b""
        try:
            writer.write(few * 500)
            while piece := await reader.read(65536):
                said += piece
        except ConnectionError:
            pass
        return said

    assert talk(many).count(b" 200 OK") < 500


def test_a_client_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers wait in memory for a while, and no longer."""
    monkeypatch.setattr(connection, "READING_SECONDS", 0.2)
    monkeypatch.setattr(connection, "MOST_PIPELINED", 1_000_000)

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        cast("asyncio.Transport", writer.transport).pause_reading()
        request = b"GET /metrics HTTP/1.1\r\nHost: keyrec\r\n\r\n"
        try:
            while True:
                writer.write(request * 50)
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            return b"cut off"

    assert talk(deaf) == b"cut off"


async def answering_at_length(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with less than a transport holds by itself before it says so."""
    del scope, receive
    body = b"a" * 48_000
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def deaf(text: bytes) -> Talk:
    """Send, read nothing, and say whether one is cut off for it within some seconds."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        del reader
        cast("asyncio.Transport", writer.transport).pause_reading()
        writer.write(text)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                while not writer.is_closing():
                    await asyncio.sleep(0.02)
                    writer.write(b"\r\n")
        return b"cut off" if writer.is_closing() else b"held"

    return conversation


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"], ids=["kept", "last"])
def test_a_short_answer_that_nobody_reads_is_not_kept_either(monkeypatch, more) -> None:
    """Whether or not the connection waits for nothing but that answer to close."""
    monkeypatch.setattr(connection, "READING_SECONDS", 0.2)
    text = ASKS + more + b"\r\n"
    assert talk(deaf(text), answering_at_length, buffer=4096) == b"cut off"


@pytest.mark.usefixtures("hurried")
def test_one_that_reads_nothing_and_is_too_slow_is_not_told_so() -> None:
    """A word that waits behind what is unread would never be read."""
    text = ASKS + b"\r\n" + ASKS
    assert talk(deaf(text), answering_at_length, buffer=4096) == b"cut off"


def test_an_answer_that_is_read_slowly_comes_whole() -> None:
    """As long as it is read."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(ASKS + b"Connection: close\r\n\r\n")
        said = b""
        while piece := await reader.read(8192):
            said += piece
            await asyncio.sleep(0.01)
        return said

    assert talk(slow, answering_at_length, buffer=4096).endswith(b"a" * 48_000)


@pytest.mark.parametrize("loop", ["asyncio", "auto"])
def test_a_tls_handshake_that_does_not_come_is_not_waited_for(monkeypatch, loop) -> None:
    """On each kind of loop; nothing is read of the files."""
    monkeypatch.setattr(listening, "HANDSHAKE_SECONDS", 0.2)
    config = config_of(lambda: Desk().app, tls=("no.pem", "no.key"))
    config.loop = loop

    async def silent() -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serve = asyncio.get_running_loop().create_server
        async with await serve(asyncio.Protocol, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
            return b"cut off"

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        assert runner.run(silent()) == b"cut off"


@pytest.fixture
def logs() -> Iterator[None]:
    """Log as the endpoint does, for a while."""
    names = ("uvicorn", "uvicorn.error", "keyrec")
    loggers = [logging.getLogger(name) for name in names]
    before = [(log, log.level, log.propagate, log.handlers[:]) for log in loggers]
    logging.config.dictConfig(cast("dict[str, object]", config_of(lambda: Desk().app).log_config))
    yield
    for log, level, propagates, handlers in before:
        log.setLevel(level)
        log.propagate, log.handlers = propagates, handlers


@pytest.mark.usefixtures("logs")
def test_what_clients_can_multiply_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """Real errors are."""
    talk(sending(b"hello\r\n\r\n"))
    upgrade = b"Connection: upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    assert b" 200 OK" in talk(sending(ASKS + upgrade))
    assert "uvicorn" not in capsys.readouterr().err
    logging.getLogger("uvicorn.error").error("The worker failed")
    assert "uvicorn.error The worker failed" in capsys.readouterr().err


def test_there_are_files_for_every_connection_and_for_the_store(monkeypatch) -> None:
    """Where the system allows fewer files, fewer connections are taken."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 512))
    assert most_connections() == 128
    asked = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: asked.append(both))
    allow_files()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1_000_000))
    allow_files()
    assert asked == [(512, 512), (4096, 1_000_000)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_000_000, 1_000_000))
    allow_files()
    assert len(asked) == 2
    assert most_connections() == connection.MOST_CONNECTIONS


@pytest.mark.parametrize("fault", [OSError, ValueError])
def test_a_system_that_allows_no_more_files_is_served_with_those_there_are(
    monkeypatch, fault
) -> None:
    """It starts."""

    def refuse(_what: int, _both: tuple[int, int]) -> None:
        raise fault

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 512))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    allow_files()
    assert most_connections() == 128
