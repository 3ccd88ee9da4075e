"""What operators count adds up over workers and names no key."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from reconciler.server.counts import HEARTBEAT_LIFE, WIDTH, Asking, Counts
from tests.credentials.examples import API_KEY
from tests.server.asking import READY, Desk


def numbers(exposition: bytes) -> dict[str, float]:
    """Give every number that is not zero, by name and labels."""
    families = text_string_to_metric_families(exposition.decode())
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
        if sample.value
    }


def test_verdicts_are_counted_by_what_came_of_them() -> None:
    """Every way to be refused is one outcome."""
    desk = Desk()
    key = ("X-API-Key", API_KEY.reveal())
    desk()
    desk(headers=[key])
    desk("/v1/authorize?require=Reviews:operate", [key])
    desk("/v1/authorize?require=", [key])
    desk(headers=[key, ("Authorization", "Bearer other")])
    desk("/v1/introspect", [key], method="POST")
    desk("/v1/introspect", method="POST")
    reply = desk("/metrics")
    assert reply.header("content-type") == "text/plain; version=1.0.0; charset=utf-8"
    found = numbers(reply.body)
    assert {n: v for n, v in found.items() if n.startswith("keyrec_verdicts")} == {
        "keyrec_verdicts_total authorize missing": 1,
        "keyrec_verdicts_total authorize allowed": 1,
        "keyrec_verdicts_total authorize insufficient-scope": 1,
        "keyrec_verdicts_total authorize misconfigured": 1,
        "keyrec_verdicts_total authorize contradictory": 1,
        "keyrec_verdicts_total caller insufficient-scope": 1,
        "keyrec_verdicts_total caller missing": 1,
    }
    assert found["keyrec_argon2_runs_total"] == READY.hashes
    assert found["keyrec_row_queries_total"] == READY.row_queries
    assert found["keyrec_store_refreshes_total"] == READY.refreshes
    assert b"billing" not in reply.body


def test_workers_add_up_and_one_that_ended_keeps_its_counts() -> None:
    """Whichever is asked gives the sum; the view is that of those that live."""
    now = [1000.0]
    rows = [0.0] * (3 * WIDTH)
    first, second, third = (Counts(rows=rows, row=row, steady=lambda: now[0]) for row in range(3))
    first.take(replace(READY, age=7.0))
    first.add(Asking.AUTHORIZE, "allowed")
    now[0] += HEARTBEAT_LIFE + 1
    second.take(replace(READY, age=2.0))
    third.take(replace(READY, age=None, is_ready=False))
    second.add(Asking.AUTHORIZE, "allowed")
    second.add(Asking.INTROSPECT, "overloaded")
    found = numbers(third.exposition())
    assert found == numbers(first.exposition())
    assert found == {
        "keyrec_verdicts_total authorize allowed": 2,
        "keyrec_verdicts_total introspect overloaded": 1,
        "keyrec_argon2_runs_total": 3 * READY.hashes,
        "keyrec_renewed_hashes_total": 3 * READY.renewed_hashes,
        "keyrec_row_queries_total": 3 * READY.row_queries,
        "keyrec_store_refreshes_total": 3 * READY.refreshes,
        "keyrec_workers": 2,
        "keyrec_ready_workers": 1,
        "keyrec_view_age_seconds": 2.0,
    }


def test_before_anything_is_known_no_age_is_given() -> None:
    """A zero would look fresh."""
    assert b"keyrec_view_age_seconds" not in Counts.alone(lambda: 5.0).exposition()
