"""One wait for two pieces of work of which the second begins with what came of the first.

Whoever waits is woken once, when both are done; in between work the threads that do it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


def followed(
    first: Future[First], begin: Callable[[First], Future[Second] | None]
) -> Future[Second | None]:
    """Give what comes of the work that is begun with the first's result; None where none is.

    What either raises is the answer's, and what `begin` raises. Nobody may cancel it.
    """
    answer: Future[Second | None] = Future()
    answer.set_running_or_notify_cancel()

    def go_on(done: Future[First]) -> None:
        try:
            second = begin(done.result())
        except BaseException as fault:  # noqa: BLE001 - it is raised again where it is waited for
            answer.set_exception(fault)
            return
        if second is None:
            answer.set_result(None)
        else:
            second.add_done_callback(end)

    def end(done: Future[Second]) -> None:
        fault = done.exception()
        if fault is None:
            answer.set_result(done.result())
        else:
            answer.set_exception(fault)

    first.add_done_callback(go_on)
    return answer
