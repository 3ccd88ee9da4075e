"""A second process for long work: a fork of this one, which inherits everything that the work
needs, and gives back bytes through a pipe.

It exists only where it helps: on Linux, with a second processor to run on, in a process of one
thread (a fork has only the thread that asked for it; a lock that another one held stays held). It
touches no store and no sink, and ends without tidying up what belongs to its parent.
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Item = TypeVar("Item")

_LENGTH = struct.Struct("<I")
_NOTHING = 0xFFFFFFFF
_ROOM = 1024 * 1024
"""Bytes that may wait in the pipe, where the system allows so many."""
_AT_ONCE = 64 * 1024


class SecondProcess:
    """Shares work; implements `reconciler.manifest.sharing.Sharing`."""

    def backwards(
        self, items: Sequence[Item], work: Callable[[Item], bytes | None]
    ) -> AbstractContextManager[Arrived] | None:
        """Fork; None where that is of no use, or cannot be done."""
        if not _is_of_use():
            return None
        try:
            return _running(items, work)
        except OSError:
            return None


class Arrived:
    """What has come through the pipe."""

    def __init__(self, pipe: int) -> None:
        """Read from a descriptor that does not block."""
        self._pipe = pipe
        self._bytes = bytearray()

    def arrived(self) -> Iterator[bytes | None]:
        """Give what is whole by now."""
        while self._read():
            yield from self._whole()

    def _read(self) -> bool:
        """Take what is in the pipe; whether there was anything."""
        try:
            more = os.read(self._pipe, _ROOM)
        except BlockingIOError:
            return False
        self._bytes += more
        return bool(more)

    def _whole(self) -> Iterator[bytes | None]:
        at, end = 0, len(self._bytes)
        found = []
        while at + _LENGTH.size <= end:
            (length,) = _LENGTH.unpack_from(self._bytes, at)
            start = at + _LENGTH.size
            size = 0 if length == _NOTHING else length
            if start + size > end:
                break
            found.append(None if length == _NOTHING else bytes(self._bytes[start : start + size]))
            at = start + size
        del self._bytes[:at]
        yield from found


def _is_of_use() -> bool:
    is_able = sys.platform == "linux" and threading.active_count() == 1
    return is_able and len(os.sched_getaffinity(0)) > 1


def _running(
    items: Sequence[Item], work: Callable[[Item], bytes | None]
) -> AbstractContextManager[Arrived]:
    """Start the other process; it is ended with the context, however far it is.

    Raises:
        OSError: there can be no pipe or no process.
    """
    reading, writing = os.pipe()
    try:
        process = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if process == 0:
        _work(items, work, writing)
    os.close(writing)
    os.set_blocking(reading, False)
    with suppress(OSError):
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, _ROOM)
    return _until_met(process, reading)


@contextmanager
def _until_met(process: int, pipe: int) -> Iterator[Arrived]:
    try:
        yield Arrived(pipe)
    finally:
        os.close(pipe)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _work(items: Sequence[Item], work: Callable[[Item], bytes | None], pipe: int) -> None:
    """Work in the other process, and end it here: nothing of its parent's may run twice."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.set_blocking(pipe, False)
        ready = bytearray()
        for item in reversed(items):
            content = work(item)
            ready += _LENGTH.pack(_NOTHING if content is None else len(content)) + (content or b"")
            if len(ready) >= _AT_ONCE:
                _write(pipe, ready)
        os.set_blocking(pipe, True)
        _write(pipe, ready)
        code = 0
    finally:
        os._exit(code)


def _write(pipe: int, ready: bytearray) -> None:
    """Send what the pipe takes; the rest stays for the next time, and the work goes on."""
    with suppress(BlockingIOError):
        while ready:
            del ready[: os.write(pipe, ready[:_ROOM])]
