"""Let keyrec's sink write secrets into Vault, and say what that took; imports are not counted.

python -m benchmarks.sending PREFIX COUNT        (VAULT_ADDR, VAULT_TOKEN); prints JSON
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timezone

from pydantic import SecretStr

from benchmarks.making import THREADS
from reconciler.adapters.system import SystemEntropy
from reconciler.adapters.vault_sink import VaultSink
from reconciler.config import VaultAuth, VaultAuthMethod, VaultSettings
from reconciler.credentials.minting import mint
from reconciler.ports import SecretPayload


def main(prefix: str, count: int) -> int:
    """Write so many."""
    auth = VaultAuth(method=VaultAuthMethod.TOKEN, token=SecretStr(os.environ["VAULT_TOKEN"]))
    settings = VaultSettings(address=os.environ["VAULT_ADDR"], auth=auth)
    payloads = [_payload(number) for number in range(count)]

    def write(payload: SecretPayload) -> bool:
        return sink.write(f"ws0000/prod/{payload.name}", payload, expected=0) == 1

    sink = VaultSink(settings, mount="secret", prefix=prefix, parallelism=THREADS)
    with closing(sink), ThreadPoolExecutor(THREADS) as threads:
        wall, cpu = time.perf_counter(), time.process_time()
        written = all(threads.map(write, payloads))
        taken = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    sys.stdout.write(f"{json.dumps(taken)}\n")
    return 0 if written else 1


def _payload(number: int) -> SecretPayload:
    entropy, now = SystemEntropy(), datetime.now(timezone.utc)
    minted = mint(entropy, prefix="krk", environment="prod")
    return SecretPayload(
        api_key=minted.api_key,
        key_id=entropy.identifier(),
        version_id=minted.version_id,
        workspace="ws0000",
        name=f"svc-{number:06d}-prod",
        environment="prod",
        created_at=now,
        expires_at=now,
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2])))
