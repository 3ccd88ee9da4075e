"""Waiting for the steps of an inquiry: in the calling thread, or in an event loop.

The steps are the same; only how a future is waited for differs. Giving up cancels no future: others
may wait for the same one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from reconciler.verification.inquiry import Found, Steps


def waited(steps: Steps) -> Found:
    """Go through the steps, waiting in this thread."""
    move: Callable[[], Any] = lambda: next(steps)  # noqa: E731 - replaced by what came of a wait
    try:
        while True:
            future, seconds = move()
            try:
                result = future.result(seconds)
            except Exception as fault:  # noqa: BLE001 - the steps say what it means
                move = _thrown(steps, fault)
            else:
                move = _sent(steps, result)
    except StopIteration as end:
        found: Found = end.value
        return found
    finally:
        steps.close()


async def awaited(steps: Steps) -> Found:
    """Go through the steps without holding up the event loop."""
    move: Callable[[], Any] = lambda: next(steps)  # noqa: E731 - replaced by what came of a wait
    try:
        while True:
            future, seconds = move()
            try:
                result = await asyncio.wait_for(
                    asyncio.shield(asyncio.wrap_future(future)), seconds
                )
            except Exception as fault:  # noqa: BLE001 - the steps say what it means
                move = _thrown(steps, fault)
            else:
                move = _sent(steps, result)
    except StopIteration as end:
        found: Found = end.value
        return found
    finally:
        steps.close()


def _sent(steps: Steps, result: Any) -> Callable[[], Any]:
    return lambda: steps.send(result)


def _thrown(steps: Steps, fault: Exception) -> Callable[[], Any]:
    return lambda: steps.throw(fault)
