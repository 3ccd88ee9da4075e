"""Which files `keyrec.yaml` may not name as credentials: those by which the kernel shows itself.

A credential is sent to whoever is configured to take it. Below /proc stands the environment of the
whole job, and whoever may change a file of the repository need not be whoever may change the job's
environment: there such a place may be named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

CREDENTIAL_FILES: Mapping[str, str] = {
    "sink.vault.auth.secretIdFile": "KEYREC_VAULT_SECRET_ID_FILE",
    "sink.vault.auth.jwtFile": "KEYREC_VAULT_JWT_FILE",
    "sink.vault.auth.tokenFile": "VAULT_TOKEN_FILE",
    "identity.tokenFile": "KEYREC_IDENTITY_TOKEN_FILE",
}
"""Settings that name one, each with the variable that may name any."""
_SHOWN_BY_THE_KERNEL = frozenset({"proc", "sys", "dev"})


def refused_credentials(values: Mapping[str, Any]) -> Iterator[str]:
    """Say which of the file's values, by dotted path and already absolute, name such a place."""
    for path, variable in CREDENTIAL_FILES.items():
        if path in values and _is_shown_by_the_kernel(values[path]):
            yield (
                f"{path}: lies below /proc, /sys or /dev, which a file in git may not name as a "
                f"credential; set {variable}"
            )


def _is_shown_by_the_kernel(name: str) -> bool:
    """Whether a file is one of them, as it is written or behind its links."""
    try:
        names = (name, os.path.realpath(name))
    except ValueError:
        return False  # no file has such a name
    places = (PurePosixPath(text).parts for text in names)
    return any(len(parts) > 1 and parts[1] in _SHOWN_BY_THE_KERNEL for parts in places)
