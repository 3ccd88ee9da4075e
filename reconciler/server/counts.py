"""What operators count: verdicts by reason, and what they cost, added up over all workers.

Each worker writes into a row of numbers of its own, and whichever is asked adds the rows up: no
lock, and no request to another worker. Counts of a worker that ended stay in the sum; what it knew
of the store does not. Nothing here names a key.

Compatibility: names of metrics and of their labels are only added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableSequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from reconciler.credentials.verdict import DenialReason
from reconciler.verification.terms import VerifierState


class Asking(StrEnum):
    """By which way a verdict was asked for."""

    AUTHORIZE = "authorize"
    CALLER = "caller"
    """Whoever asks about another key, by its own."""
    INTROSPECT = "introspect"


ALLOWED: Final = "allowed"
MISSING: Final = "missing"
CONTRADICTORY: Final = "contradictory"
MISCONFIGURED: Final = "misconfigured"
OUTCOMES: Final = (ALLOWED, MISSING, CONTRADICTORY, MISCONFIGURED, *map(str, DenialReason))
"""Everything that can come of a question."""

HEARTBEAT_LIFE: Final = 10.0
"""Seconds after which a worker that wrote nothing counts as ended."""
_PLACES: Final = {
    (asking, outcome): place
    for place, (asking, outcome) in enumerate((a, o) for a in Asking for o in OUTCOMES)
}
"""Where among the verdicts of a row each is counted."""
_COSTS: Final = (
    ("keyrec_argon2_runs", "Presented secrets that were compared with a stored hash."),
    ("keyrec_renewed_hashes", "Stored hashes that were made anew with today's parameters."),
    ("keyrec_row_queries", "Questions to the store for keys that were not remembered."),
    ("keyrec_store_refreshes", "Looks at the store for what changed."),
)
_HEARTBEAT, _READY, _AS_OF = range(3)
_FIRST_COST = 3
_FIRST_VERDICT = _FIRST_COST + len(_COSTS)
WIDTH: Final = _FIRST_VERDICT + len(_PLACES)
"""Numbers in a row."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """All rows, and which one is this worker's."""

    rows: MutableSequence[float]
    """`WIDTH` numbers for each worker; shared where there are several."""
    row: int
    steady: Callable[[], float]
    """A clock in seconds that never goes back and is the same for all workers."""

    @classmethod
    def alone(cls, steady: Callable[[], float]) -> Counts:
        """Give those of the only worker."""
        return cls(rows=[0.0] * WIDTH, row=0, steady=steady)

    def add(self, asking: Asking, outcome: str) -> None:
        """Count one verdict."""
        self.rows[self.row * WIDTH + _FIRST_VERDICT + _PLACES[asking, outcome]] += 1

    def take(self, state: VerifierState) -> None:
        """Write down what the verifier of this worker says of itself."""
        now = self.steady()
        costs = (state.hashes, state.renewed_hashes, state.row_queries, state.refreshes)
        as_of = 0.0 if state.age is None else now - state.age
        start = self.row * WIDTH
        for place, number in enumerate((now, float(state.is_ready), as_of, *map(float, costs))):
            self.rows[start + place] = number

    def exposition(self) -> bytes:
        """Give all numbers in Prometheus' text form."""
        registry = CollectorRegistry()
        registry.register(_Collector(self))
        return generate_latest(registry)

    def metrics(self) -> Iterator[Metric]:
        """Give all numbers, added up over the workers."""
        verdicts = CounterMetricFamily(
            "keyrec_verdicts", "Verdicts by what came of them.", labels=("asked", "outcome")
        )
        for (asking, outcome), place in _PLACES.items():
            verdicts.add_metric((asking, outcome), self._sum(_FIRST_VERDICT + place))
        yield verdicts
        for place, (name, text) in enumerate(_COSTS):
            yield CounterMetricFamily(name, text, value=self._sum(_FIRST_COST + place))
        yield from self._gauges()

    def _gauges(self) -> Iterator[Metric]:
        now = self.steady()
        starts = range(0, len(self.rows), WIDTH)
        beats = [(s, self.rows[s + _HEARTBEAT]) for s in starts]
        living = [s for s, beat in beats if beat and now - beat <= HEARTBEAT_LIFE]
        ready = sum(self.rows[start + _READY] for start in living)
        yield GaugeMetricFamily("keyrec_workers", "Workers that answer.", value=len(living))
        yield GaugeMetricFamily("keyrec_ready_workers", "Those that can check keys.", value=ready)
        views = [self.rows[start + _AS_OF] for start in living if self.rows[start + _AS_OF]]
        if views:
            yield GaugeMetricFamily(
                "keyrec_view_age_seconds",
                "How long ago the oldest view of the store was certainly true.",
                value=max(0.0, now - min(views)),
            )

    def _sum(self, place: int) -> float:
        return sum(self.rows[start + place] for start in range(0, len(self.rows), WIDTH))


@dataclass(frozen=True, slots=True, eq=False)
class _Collector:
    """The numbers as prometheus_client asks for them."""

    counts: Counts

    def collect(self) -> Iterator[Metric]:
        """Give all numbers."""
        return self.counts.metrics()
