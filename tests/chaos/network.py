"""What networks do to a connection: cut, delayed, swallowed, held, delivered late.

A process of its own with two doors. Before Vault an exchange is one HTTP request with its answer;
before PostgreSQL it is one message of the client's, and the one with COMMIT in it matters most.
Orders come as lines of JSON on stdin, answers go as lines to stdout; the driver is `proxy`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any, assert_never

from tests.chaos.fates import Door, Fate, Order
from tests.chaos.http_messages import read_message

LONGEST_HALT = 60.0
LONGEST_ANSWER = 30.0


@dataclass
class Control:
    """The orders under way, what is halted, and what waits to be delivered late."""

    orders: list[Order] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    is_forwarded: bool = True
    late: list[bytes] = field(default_factory=list)

    def order_for(self, door: Door, message: bytes) -> Order | None:
        """Count the message against every order; the order whose turn has come with it."""
        for order in list(self.orders):
            if order.door is door and order.matches(message):
                order.nth -= 1
                if order.nth == 0:
                    self.orders.remove(order)
                    say(reached=order.fate.value)
                    return order
        return None

    async def halt(self) -> bool:
        """Hold until the driver says go; whether the message is to be forwarded."""
        self.go.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.go.wait(), LONGEST_HALT)
        return self.is_forwarded

    async def lets_pass(self, order: Order) -> bool:
        """Do what is done to a message on its way; whether it goes on to the server now."""
        match order.fate:
            case Fate.CUT_BEFORE | Fate.LATE:
                return False
            case Fate.HALF_OPEN:
                await asyncio.sleep(order.seconds)
                return False
            case Fate.DELAY:
                await asyncio.sleep(order.seconds)
                return True
            case Fate.HALT_BEFORE:
                return await self.halt()
            case Fate.CUT_AFTER | Fate.HALT_AFTER:
                return True
            case _:
                assert_never(order.fate)


def say(**words: Any) -> None:
    """Tell the driver."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class VaultDoor:
    """Stands before Vault's port."""

    control: Control
    port: int

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass requests of one connection, until an order ends it."""
        with contextlib.suppress(OSError, EOFError, ValueError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                while request := await read_message(reader):
                    if not await self._exchange(request, (up_reader, up_writer), writer):
                        break
            finally:
                up_writer.close()
        writer.close()

    async def _exchange(
        self,
        request: bytes,
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        client: asyncio.StreamWriter,
    ) -> bool:
        """Pass one request and its answer; whether the connection goes on."""
        order = self.control.order_for(Door.VAULT, request)
        if order is not None and not await self.control.lets_pass(order):
            if order.fate is Fate.LATE:
                self.control.late.append(request)
            return False
        upstream[1].write(request)
        answer = await asyncio.wait_for(read_message(upstream[0]), LONGEST_ANSWER)
        if order is not None and order.fate is Fate.CUT_AFTER:
            return False
        if order is not None and order.fate is Fate.HALT_AFTER:
            await self.control.halt()
        client.write(answer)
        await client.drain()
        return bool(answer)

    async def deliver_late(self) -> list[int]:
        """Send what was kept back; the status of each answer, 0 where none came."""
        requests, self.control.late[:] = list(self.control.late), []
        return [await self._deliver(request) for request in requests]

    async def _deliver(self, request: bytes) -> int:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return 0
        writer.write(request)
        try:
            answer = await asyncio.wait_for(read_message(reader), LONGEST_ANSWER)
        except (OSError, EOFError, TimeoutError):
            answer = b""
        writer.close()
        return int(answer.split(b" ", 2)[1]) if answer else 0


@dataclass(frozen=True)
class StoreDoor:
    """Stands before PostgreSQL's socket."""

    control: Control
    socket: str

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one session, until an order ends it."""
        with contextlib.suppress(OSError):
            up_reader, up_writer = await asyncio.open_unix_connection(self.socket)
            session = _StoreSession(self.control, up_reader, up_writer, writer)
            back = asyncio.create_task(session.pump_back())
            try:
                with contextlib.suppress(OSError):
                    while message := await reader.read(1 << 16):
                        if not await session.pass_on(message):
                            break
            finally:
                up_writer.close()
                session.gate.set()
                await back
        writer.close()


@dataclass
class _StoreSession:
    control: Control
    up_reader: asyncio.StreamReader
    up_writer: asyncio.StreamWriter
    client: asyncio.StreamWriter
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while answers may go to the client."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def pump_back(self) -> None:
        """Bring answers to the client, while the gate is open."""
        with contextlib.suppress(OSError):
            while answer := await self.up_reader.read(1 << 16):
                self.answered.set()
                await self.gate.wait()
                self.client.write(answer)
                await self.client.drain()
        self.answered.set()
        self.client.close()

    async def pass_on(self, message: bytes) -> bool:
        """Pass one message of the client's; whether the session goes on."""
        order = self.control.order_for(Door.STORE, message)
        if order is None:
            self.up_writer.write(message)
            return True
        return await self._obey(order, message)

    async def _obey(self, order: Order, message: bytes) -> bool:
        if await self.control.lets_pass(order):
            return await self._send(order, message)
        if order.fate is Fate.LATE:
            self.client.close()
            await asyncio.sleep(order.seconds)
            await self._send_and_wait(message)
        return False

    async def _send(self, order: Order, message: bytes) -> bool:
        if order.fate not in {Fate.CUT_AFTER, Fate.HALT_AFTER}:
            self.up_writer.write(message)
            return True
        await self._send_and_wait(message)
        if order.fate is Fate.CUT_AFTER:
            return False
        await self.control.halt()
        self.gate.set()
        return True

    async def _send_and_wait(self, message: bytes) -> None:
        """Send a message and keep its answer back."""
        self.gate.clear()
        self.answered.clear()
        self.up_writer.write(message)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.answered.wait(), LONGEST_ANSWER)


async def run(vault_port: int, store_socket: str) -> None:
    """Open both doors and obey until stdin ends."""
    control = Control()
    vault, store = VaultDoor(control, vault_port), StoreDoor(control, store_socket)
    servers = [await asyncio.start_server(door.serve, "127.0.0.1", 0) for door in (vault, store)]
    say(ports=[server.sockets[0].getsockname()[1] for server in servers])
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        say(done=await _obey(json.loads(line), control, vault))
    # Connections that are still open end with the process; undoing them one by one helps nobody.
    os._exit(0)


async def _obey(command: dict[str, Any], control: Control, vault: VaultDoor) -> Any:
    match command["do"]:
        case "arm":
            control.orders.append(Order.read(command["order"]))
        case "clear":
            control.orders.clear()
            control.is_forwarded = False
            control.go.set()
        case "go":
            control.is_forwarded = command["forward"]
            control.go.set()
        case "deliver":
            return await vault.deliver_late()
        case unknown:
            raise ValueError(unknown)
    return True


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), sys.argv[2]))
