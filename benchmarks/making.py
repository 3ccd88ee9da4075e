"""Apply here as `keyrec apply --auto-approve` does, and say what the making of the secrets took.

A program of its own, so that a run begins with a fresh interpreter. Making begins with the first
transaction that begins a secret and ends with the last one that confirms some; the effects of the
run say when. What the hashing alone takes is measured afterwards, on as many threads.

    python -m benchmarks.making        in a folder with a keyrec.yaml; prints JSON
"""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from reconciler.adapters.system import SystemEntropy
from reconciler.apply.outcome import OutcomeStatus
from reconciler.apply.points import Effect, Moment
from reconciler.bootstrap.configuration import find_configuration
from reconciler.bootstrap.wishes import PlanWish, RunTerms
from reconciler.bootstrap.workplace import Workplace
from reconciler.credentials.hashing import hash_key
from reconciler.credentials.minting import mint
from reconciler.model.policy import HashProfile

THREADS = 8
BATCH = 100
"""What is hashed before the first transaction."""


@dataclass(slots=True)
class Span:
    """From the first effect to the last."""

    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, effect: Effect) -> None:
        """Note when secrets are begun and confirmed."""
        begins = effect.name == "commit BeginSecret" and effect.moment is Moment.BEFORE
        ends = effect.name == "commit ConfirmSecret" and effect.moment is Moment.AFTER
        if begins or ends:
            with self._lock:
                self.walls.append(time.perf_counter())
                self.cpus.append(time.process_time())


def main() -> int:
    """Apply, then hash as many keys again."""
    span = Span()
    with Workplace(find_configuration(None), stop=threading.Event(), trace=span.watch) as place:
        prepared = place.prepare(PlanWish())
        agreed = RunTerms(parallelism=THREADS, approved_digest=prepared.plan.digest)
        report = place.run(prepared.request, agreed, lambda _: None)
    made = [o for o in report.outcomes if o.sink_version and o.status is OutcomeStatus.APPLIED]
    found = {
        "made": len(made),
        "wall": span.walls[-1] - span.walls[0],
        "cpu": span.cpus[-1] - span.cpus[0],
        "hashing": hashing(len(made)) * (len(made) - BATCH) / len(made),
    }
    sys.stdout.write(f"{json.dumps(found)}\n")
    return 0


def hashing(count: int) -> float:
    """Draw and hash so many keys on as many threads as a run does; the seconds."""
    entropy = SystemEntropy()

    def hashed(_: int) -> str:
        minted = mint(entropy, prefix="krk", environment="prod")
        return hash_key(minted.api_key, entropy=entropy, profile=HashProfile.TOKEN)

    with ThreadPoolExecutor(THREADS) as threads:
        begun = time.perf_counter()
        done = sum(1 for _ in threads.map(hashed, range(count)))
        taken = time.perf_counter() - begun
    return taken if done == count else 0.0


if __name__ == "__main__":
    raise SystemExit(main())
