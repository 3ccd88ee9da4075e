"""What `keyrec serve` listens on: sockets that are opened before anything else, and TLS files.

Opened once, by the process that was started: what is wrong is said at once, and all workers share
them.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from reconciler.config import ServerSettings
from reconciler.errors import ConfigInvalid

BACKLOG: Final = 1024
SOCKET_RIGHTS: Final = 0o660
"""Who may talk to a Unix socket: its owner and its group."""


def listening_sockets(
    server: ServerSettings, uds: str | None
) -> tuple[AbstractContextManager[socket.socket], ...]:
    """Give what opens each socket, and closes it: the endpoint's first, then that of health."""
    first = _address(server.host, server.port) if uds is None else _path(Path(uds))
    if server.health_port is None:
        return (first,)
    return first, _address(server.host, server.health_port)


def announce(
    server: ServerSettings,
    sockets: Sequence[socket.socket],
    *,
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """Say where it listens, and what is dangerous about that."""
    is_tls = server.tls_certificate is not None
    for opened, what in zip(sockets, ("Listening", "Health"), strict=False):
        name = opened.getsockname()
        if isinstance(name, str):
            say(f"{what} on unix:{name}")
            continue
        host = f"[{name[0]}]" if ":" in name[0] else name[0]
        say(f"{what} on {'https' if is_tls else 'http'}://{host}:{name[1]}")
        if not is_tls and not ip_address(name[0].partition("%")[0]).is_loopback:
            warn("Warning: without TLS, keys travel in the clear to this address.")


def require_tls_files(server: ServerSettings) -> tuple[str, str] | None:
    """Give the files of certificate and key, once they are known to go together; None without TLS.

    Raises:
        ConfigInvalid: they cannot be read, do not belong together, or want a passphrase.
    """
    if server.tls_certificate is None or server.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(server.tls_certificate, server.tls_key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise ConfigInvalid(
            f"TLS cannot be set up with {server.tls_certificate} and {server.tls_key}: "
            f"{_reason(error)}.",
            advice="Give PEM files: the certificate with its chain, and its key without a "
            "passphrase.",
        ) from None
    return server.tls_certificate, server.tls_key


@contextlib.contextmanager
def _address(host: str, port: int) -> Iterator[socket.socket]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        opened = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigInvalid(
            f"{host}, port {port} cannot be listened on: {_reason(error)}.",
            advice="Choose another with --host and --port.",
        ) from None
    with opened:
        yield opened


@contextlib.contextmanager
def _path(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as opened:
        try:
            _clear(path)
            opened.bind(str(path))
            path.chmod(SOCKET_RIGHTS)
            opened.listen(BACKLOG)
        except OSError as error:
            raise ConfigInvalid(
                f"{path} cannot be listened on: {_reason(error)}.",
                advice="Choose another path with --uds, of at most 100 characters.",
            ) from None
        ours = _identity(path)
        try:
            yield opened
        finally:
            # One that took our place meanwhile has its own socket there.
            if ours == _identity(path):
                path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    """Give which file stands at a path; None where there is none."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on any more; whatever else is there stays."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
