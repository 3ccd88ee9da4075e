"""The page about HTTP says what the endpoint does: every route, header, code, metric and limit."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.credentials.verdict import UNDISCLOSED, DenialReason, Denied
from reconciler.server.answers import AUTH_HEADERS, Manner, answer_of
from reconciler.server.connection import (
    LONGEST_HEAD,
    LONGEST_REST,
    MOST_CONNECTIONS,
    MOST_PIPELINED,
    READING_SECONDS,
    REQUEST_SECONDS,
)
from reconciler.server.counts import Asking, Counts
from reconciler.server.listening import GRACE_SECONDS, HANDSHAKE_SECONDS, KEEP_ALIVE_SECONDS
from reconciler.server.openapi import openapi_document
from reconciler.server.presented import ORIGINAL_ADDRESSES
from reconciler.server.questions import MOST_BYTES
from reconciler.server.reception import MOST_AT_ONCE
from tests.server.asking import READY

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "http.md").read_text(encoding="utf-8")
SOURCES = sorted((ROOT / "reconciler" / "server").glob("*.py"))


def test_every_route_stands_there() -> None:
    """Those of the OpenAPI document."""
    assert [path for path in openapi_document()["paths"] if path not in PAGE] == []


def test_every_header_for_gateways_stands_there_in_its_order() -> None:
    """And no other."""
    assert tuple(re.findall(r"^\| `(X-Auth-[A-Za-z-]+)` \| [a-z`]", PAGE, re.MULTILINE)) == (
        *("X-Auth-Require",),
        *AUTH_HEADERS,
    )
    assert [name for name in ORIGINAL_ADDRESSES if name not in PAGE.lower()] == []


def test_every_code_stands_there() -> None:
    """Whichever module answers with it."""
    text = "".join(source.read_text(encoding="utf-8") for source in SOURCES)
    codes = set(re.findall(r'code="([a-z-]+)"', text)) | (set(DenialReason) - UNDISCLOSED)
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()


def test_the_table_of_refusals_has_the_statuses_that_are_answered() -> None:
    """Row by row."""
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3})", PAGE, re.MULTILINE))
    for reason in set(DenialReason) - UNDISCLOSED:
        assert rows[reason] == str(answer_of(Denied(reason=reason), manner=Manner()).status)
    assert rows["undecided"] == "503"


def test_every_metric_stands_there() -> None:
    """With each way to be asked."""
    counts = Counts.alone(lambda: 5.0)
    counts.take(READY)
    names = set(re.findall(rb"^# TYPE (\S+)", counts.exposition(), re.MULTILINE))
    assert len(names) == 8
    assert {name for name in names if f"`{name.decode()}`" not in PAGE} == set()
    assert all(f"`{asking}`" in PAGE for asking in Asking)


def test_every_limit_stands_there() -> None:
    """In the unit that people read."""
    table = PAGE.partition("## Limits")[2].partition("##")[0]
    assert re.findall(r"\| (\d+)(?: (KiB|MiB|s))?[;| ]", table) == [
        (str(LONGEST_HEAD // 1024), "KiB"),
        (str(MOST_BYTES // 1024), "KiB"),
        (str(LONGEST_REST // 1024**2), "MiB"),
        (str(MOST_PIPELINED), ""),
        (str(int(READING_SECONDS)), "s"),
        (str(HANDSHAKE_SECONDS), "s"),
        (str(int(REQUEST_SECONDS)), "s"),
        (str(KEEP_ALIVE_SECONDS), "s"),
        (str(MOST_AT_ONCE), ""),
        (str(MOST_CONNECTIONS), ""),
        (str(GRACE_SECONDS), "s"),
    ]
