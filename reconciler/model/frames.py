"""Errors without the frames that they came from, where those held a secret in plain text.

A library that sends a request has its body in local variables; whoever reports an error with the
locals of its frames would report the secret.
"""

from __future__ import annotations


def without_frames(fault: BaseException) -> BaseException:
    """Give the same error, with those that it came from, as if it began where it is raised next."""
    left: list[BaseException | None] = [fault]
    seen: set[int] = set()
    while left:
        one = left.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            left += [one.__cause__, one.__context__]
    return fault
