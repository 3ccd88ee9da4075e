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
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Item = TypeVar("Item")

_LENGTH = struct.Struct("<I")
_NOTHING = 0xFFFFFFFF
_ROOM = 1024 * 1024
"""Bytes that may wait in the pipe, where the system allows so many."""
_AT_ONCE = 64 * 1024
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
"""Those that have an answer here; the other process answers none of them."""


class SecondProcess:
    """Shares work; implements `reconciler.manifest.sharing.Sharing`."""

    def backwards(
        self, items: Sequence[Item], work: Callable[[Item], bytes | None]
    ) -> AbstractContextManager[Arrived] | None:
        """Fork; None where that is of no use, or cannot be done. The context is to be entered at
        once: signals wait for it.
        """
        if not _is_of_use():
            return None
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        origin = _Origin(process=os.getpid(), signals=before)
        try:
            process, pipe = _forked(lambda writing: _work(items, work, writing, origin))
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return None
        return _Running(process, pipe, before)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """What the other process was forked from."""

    process: int
    signals: set[signal.Signals | int]
    """Those that were blocked."""


class _Running:
    """The other process, for as long as it is wanted."""

    def __init__(self, process: int, pipe: int, before: set[signal.Signals | int]) -> None:
        """Own it; `before`: the signals that are to be blocked no longer than until the entry."""
        self._process = process
        self._pipe = pipe
        self._before = before

    def __enter__(self) -> Arrived:
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
        except BaseException:
            self._end()
            raise
        return Arrived(self._pipe)

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        os.close(self._pipe)
        with suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._process, 0)


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

    def _whole(self) -> list[bytes | None]:
        """Take what has come whole."""
        at, end = 0, len(self._bytes)
        found: list[bytes | None] = []
        while at + _LENGTH.size <= end:
            (length,) = _LENGTH.unpack_from(self._bytes, at)
            start = at + _LENGTH.size
            size = 0 if length == _NOTHING else length
            if start + size > end:
                break
            found.append(None if length == _NOTHING else bytes(self._bytes[start : start + size]))
            at = start + size
        del self._bytes[:at]
        return found


def _is_of_use() -> bool:
    """Whether there is a processor for it, and nobody else who would take its end for his own."""
    is_able = sys.platform == "linux" and threading.active_count() == 1
    is_ours = is_able and signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
    return is_ours and len(os.sched_getaffinity(0)) > 1


def _forked(work: Callable[[int], NoReturn]) -> tuple[int, int]:
    """Start the other process with the end of a pipe to write to; its id, and the end to read from.

    Raises:
        OSError: there can be no pipe or no process.
    """
    reading, writing = os.pipe()
    with suppress(OSError):
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, _ROOM)
    try:
        process = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if process == 0:
        work(writing)
    os.close(writing)
    os.set_blocking(reading, False)
    return process, reading


def _work(
    items: Sequence[Item],
    work: Callable[[Item], bytes | None],
    pipe: int,
    origin: _Origin,
) -> NoReturn:
    """Work in the other process, and end it here: nothing of its parent's may run twice."""
    code = 1
    try:
        for number in (*_SIGNALS, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, origin.signals)
        os.set_blocking(pipe, False)
        ready = bytearray()
        for item in reversed(items):
            content = work(item)
            ready += _LENGTH.pack(_NOTHING if content is None else len(content)) + (content or b"")
            if len(ready) >= _AT_ONCE:
                _write(pipe, ready)
            if os.getppid() != origin.process:
                break  # nobody waits for it
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
