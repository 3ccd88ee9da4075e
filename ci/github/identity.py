"""The job's own identity, for Vault's JWT login: asked for just before it is used.

The token stands in a file that only this job reads, for as long as keyrec runs: not in the
environment, not in the log.
"""

from __future__ import annotations

import os
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.applied import Refusal
from ci.github.job import Job
from ci.http_api import Api, ApiTrouble, ApiUnusable
from ci.keyrec_program import Ended

VARIABLE = "KEYREC_VAULT_JWT_FILE"
_RIGHT = (
    "GitHub gave this job no identity for Vault; give the job `permissions: id-token: write`, or "
    "leave the input vault-audience out."
)


@contextmanager
def vault_login(job: Job) -> Iterator[dict[str, str]]:
    """Give the variable that names the token's file, none where no audience was given.

    Raises:
        Refusal: the job may not ask for its identity.
    """
    audience = job.given("VAULT_AUDIENCE")
    if not audience:
        yield {}
        return
    descriptor, name = tempfile.mkstemp(dir=job.environ.get("RUNNER_TEMP") or None)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(_token(job, audience))
        yield {VARIABLE: name}
    finally:
        Path(name).unlink(missing_ok=True)


def _token(job: Job, audience: str) -> str:
    address = job.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
    right = job.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    if not address or not right:
        raise Refusal(Ended.REFUSED, _RIGHT)
    mark = "&" if "?" in address else "?"
    asked = f"{mark}audience={urllib.parse.quote(audience, safe='')}"
    try:
        found = Api(root=address, headers={"Authorization": f"Bearer {right}"}).get(asked)
    except (ApiTrouble, ApiUnusable) as trouble:
        raise Refusal(Ended.REFUSED, f"GitHub gave no identity for Vault: {trouble}.") from None
    return str(found["value"])
