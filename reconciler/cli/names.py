"""NAME on the command line: `workspace/name`, or the name alone where one workspace has it."""

from __future__ import annotations

import re

from reconciler.errors import NotFound, UsageError
from reconciler.model.keys import KeyAddress
from reconciler.model.token import ID_LENGTH, TOKEN_PATTERN
from reconciler.ports import KeyStore

_VERSION_ID = re.compile(rf"[0-9A-Za-z]{{{ID_LENGTH}}}", re.ASCII)


def find_address(store: KeyStore, name: str) -> KeyAddress:
    """Give the one address that is meant.

    Raises:
        NotFound: no live key has that name, or keys of several workspaces have it.
        UsageError: the text is a key itself.
    """
    refuse_token(name)
    workspace, slash, rest = name.partition("/")
    if slash:
        return KeyAddress(workspace=workspace, name=rest)
    found = store.addresses(name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"There is no key {name}.", advice="`keyrec status` lists the keys.")
    listed = ", ".join(str(address) for address in found)
    raise NotFound(f"{len(found)} keys are named {name}.", advice=f"Say which one: {listed}.")


def is_version_id(store: KeyStore, name: str) -> bool:
    """Whether the text names a version and no key."""
    if _VERSION_ID.fullmatch(name) is None or store.addresses(name):
        return False
    return store.presented(name) is not None


def refuse_token(text: str) -> None:
    """Refuse a complete key among the arguments, without repeating it."""
    if re.search(TOKEN_PATTERN, text):
        raise UsageError(
            "A complete key was given as an argument; it now stands in the shell's history.",
            advice="Treat it as leaked: keyrec rotate ID --leaked, where ID is its third part, "
            "12 characters. `keyrec explain` takes a key on stdin.",
        )
