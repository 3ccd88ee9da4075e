"""A connection that ends when its time is over, however little it keeps anybody waiting each time.

A time-out of a socket bounds one silence. Here every reading and writing has what is left until the
one deadline, so that an answer that drips, or never begins, is given up in time.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

LONGEST_SILENCE = 5.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When something has to be over, by `time.monotonic`."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Give the one that is so many seconds away."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Give the seconds until then.

        Raises:
            TimeoutError: it is over.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def patience(self) -> float:
        """Give how long to wait for the next sign of life.

        Raises:
            TimeoutError: it is over.
        """
        return min(self.left(), LONGEST_SILENCE)


class TimelySocket:
    """As much of a socket as `http.client` uses of one."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        """Use a socket that is connected."""
        self._sock = sock
        self._deadline = deadline

    def sendall(self, data: Any) -> None:
        """Send."""
        self._sock.settimeout(self._deadline.patience())
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Give what is received."""
        del mode
        return io.BufferedReader(_Received(self._sock, self._deadline))

    def close(self) -> None:
        """End the connection; what is still read of it goes before."""
        self._sock.close()


class _Received(io.RawIOBase):
    """The bytes of a socket."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Say so."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for the next bytes."""
        self._sock.settimeout(self._deadline.patience())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let the socket end."""
        self._raw.close()
        super().close()


def dialled(
    host: str, port: int, deadline: Deadline, *, tls: ssl.SSLContext | None = None
) -> TimelySocket:
    """Connect to the first address of a host that answers; how long its name takes is the system's.

    Raises:
        OSError: none does, or it cannot prove its name.
    """
    sock = _connected(host, port, deadline)
    if tls is None:
        return TimelySocket(sock, deadline)
    try:
        sock.settimeout(deadline.patience())
        return TimelySocket(tls.wrap_socket(sock, server_hostname=host), deadline)
    except BaseException:
        sock.close()
        raise


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    fault = OSError()
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.patience())
            sock.connect(address)
        except OSError as met:
            fault = met
            sock.close()
        else:
            return sock
    raise fault
