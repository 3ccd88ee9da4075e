"""What every request meets first: an id, a limit, one line in the log, and never a bare fault.

The log says why a key was refused also where its presenter is not told, by the version id of a
well-formed key. It holds no credential, no path and no query.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from traceback import extract_tb
from typing import Final

from reconciler.credentials.verdict import DenialReason, Denied
from reconciler.server.answers import Answer, Manner, answer_of, refusal
from reconciler.server.problems import Problem
from reconciler.server.requests import (
    NOTE,
    REQUEST_ID_NAME,
    Application,
    Note,
    Receive,
    Scope,
    Send,
    peer_of,
    query_of,
    send_noted,
)

ACCESS_LOG: Final = "keyrec.access"
FAULT_LOG: Final = "keyrec.fault"
MOST_AT_ONCE: Final = 512
"""Requests that one worker is answering, before it turns more away."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
"""Shorter than any key."""
_FAULT = refusal(
    500, Problem(code="fault", title="The server failed", detail="The reason stands in its log.")
)


class Reception:
    """Stands in front of everything that answers."""

    def __init__(
        self,
        app: Application,
        *,
        new_id: Callable[[], str],
        steady: Callable[[], float],
        always: Iterable[str] = (),
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        """`always`: paths that are answered whatever else is going on, and not logged."""
        self._app = app
        self._new_id = new_id
        self._steady = steady
        self._always = frozenset(always)
        self._most = most_at_once
        self._inside = 0
        self._access = logging.getLogger(ACCESS_LOG)
        self._faults = logging.getLogger(FAULT_LOG)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; no WebSocket is opened."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        note = Note(self._id_of(scope))
        scope[NOTE] = note
        begun = self._steady()
        self._inside += 1
        try:
            if self._inside > self._most and scope["path"] not in self._always:
                note.add(outcome=DenialReason.OVERLOADED)
                await send_noted(scope, send, _overloaded(scope))
            else:
                await self._app(scope, receive, send)
        except Exception as fault:  # noqa: BLE001 - no request may learn how it failed
            self._tell(fault, note)
            if note.status is None:
                await send_noted(scope, send, _FAULT)
        finally:
            self._inside -= 1
            self._write(scope, note, self._steady() - begun)

    def _id_of(self, scope: Scope) -> str:
        """Take the request's own id where it has one that may stand in a log, else a new one."""
        given = [value for name, value in scope["headers"] if name.lower() == REQUEST_ID_NAME]
        if len(given) != 1:
            return self._new_id()
        text: str = given[0].decode("latin-1")
        return self._new_id() if _REQUEST_ID.fullmatch(text) is None else text

    def _tell(self, fault: Exception, note: Note) -> None:
        """Say what failed and where; never with the words of the fault, which may hold anything."""
        place = extract_tb(fault.__traceback__)[-1]
        self._faults.error(
            "fault=%s at=%s:%s request_id=%s",
            type(fault).__name__,
            place.name,
            place.lineno,
            note.request_id,
        )

    def _write(self, scope: Scope, note: Note, seconds: float) -> None:
        if not self._access.isEnabledFor(logging.INFO):
            return
        if scope["path"] in self._always and note.status == 200:
            return
        words = {
            "status": str(note.status or "none"),
            "peer": peer_of(scope) or "unix",
            **note.fields,
            "seconds": f"{seconds:.4f}",
            "request_id": note.request_id,
        }
        self._access.info("%s", " ".join(f"{name}={word}" for name, word in words.items()))


def _overloaded(scope: Scope) -> Answer:
    manner = Manner(is_for_nginx="mode=nginx" in query_of(scope).split("&"))
    return answer_of(Denied(reason=DenialReason.OVERLOADED), manner=manner)
