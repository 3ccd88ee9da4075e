"""`PRINCIPAL=@HANDLE` on the command line."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.cli.names import refuse_token
from reconciler.errors import UsageError
from reconciler.model.workspaces import Principal
from reconciler.render.codeowners import HANDLE


def read_handles(given: Iterable[str]) -> dict[Principal, tuple[str, ...]]:
    """Give the handles of each principal; one may have several, a team and a deputy.

    Raises:
        UsageError: a text without a principal, or with something that is no handle.
    """
    found: dict[Principal, tuple[str, ...]] = {}
    for text in given:
        refuse_token(text)
        principal, _, handle = text.rpartition("=")
        if not principal or not HANDLE.fullmatch(handle):
            raise UsageError(
                f"{text!r} gives nobody a handle.",
                advice="Write local:alice=@alice, or local:alice=@org/team.",
            )
        found[principal] = (*found.get(principal, ()), handle)
    return found
