"""What every behaviour of a server becomes: the table, on a real socket."""

from __future__ import annotations

import pytest

from reconciler.adapters.vault_answers import Trouble
from reconciler.adapters.vault_errors import _WORDS
from reconciler.errors import (
    KeyrecError,
    SinkDenied,
    SinkMisconfigured,
    SinkOutcomeUnknown,
    SinkUnavailable,
)
from reconciler.ports import CheckAndSetRefused, PathSeen
from tests.adapters.vault_rigs import (
    ABSENT,
    ANCHOR,
    CONFLICT,
    DATA,
    DENIED,
    DESTROY,
    HEALTH,
    HEALTHY,
    METADATA,
    PATH,
    Hours,
    metadata,
    opened,
    written,
)
from tests.contracts.sink_rigs import payload
from tests.services.canned import Cut, Reply, Silence, canned, replied

HTML = Reply(body=b"<html>Please log in</html>", headers={"Content-Type": "text/html"})
AWAY = {"Location": "https://elsewhere.example:8200/v1/secret/data/keyrec/x?token=canary"}
UPGRADING = replied(
    {"errors": ["Upgrading from non-versioned to versioned data. This backend will be back soon."]},
    400,
)
SEALED = replied({"errors": ["Vault is sealed"]}, 503)
NO_ROUTE = replied(
    {"errors": ['no handler for route "secret/data/x". route entry not found.']}, 404
)


def refused(status: int) -> Reply:
    """Give an answer of Vault's form with that status."""
    return replied({"errors": ["something"]}, status)


# What the server does, what becomes of a write, what becomes of a look, a word of the message.
TABLE = [
    ("400", refused(400), SinkMisconfigured, SinkMisconfigured, "status 400"),
    ("400 upgrading", UPGRADING, SinkUnavailable, SinkUnavailable, "still being set up"),
    ("401", refused(401), SinkMisconfigured, SinkMisconfigured, "status 401"),
    ("403", DENIED, SinkDenied, SinkDenied, "denied"),
    ("404 mount", NO_ROUTE, SinkMisconfigured, SinkMisconfigured, "no such mount"),
    ("404 on a write", ABSENT, SinkMisconfigured, None, "nothing there"),
    ("405", refused(405), SinkMisconfigured, SinkMisconfigured, "no such mount"),
    ("412", refused(412), SinkOutcomeUnknown, SinkUnavailable, "not up to date"),
    ("413", refused(413), SinkMisconfigured, SinkMisconfigured, "status 413"),
    ("429", refused(429), SinkUnavailable, SinkUnavailable, "too many requests"),
    ("472", refused(472), SinkUnavailable, SinkUnavailable, "disaster recovery"),
    ("473", refused(473), SinkUnavailable, SinkUnavailable, "performance standby"),
    ("500", refused(500), SinkOutcomeUnknown, SinkUnavailable, "status 500"),
    ("502 page", Reply(status=502, body=b"<html>"), SinkOutcomeUnknown, SinkUnavailable, "502"),
    ("503 sealed", SEALED, SinkUnavailable, SinkUnavailable, "sealed"),
    ("503 other", refused(503), SinkOutcomeUnknown, SinkUnavailable, "status 503"),
    ("504", refused(504), SinkOutcomeUnknown, SinkUnavailable, "status 504"),
    ("301", Reply(status=301, headers=AWAY), SinkMisconfigured, SinkMisconfigured, "elsewhere"),
    ("302", Reply(status=302, headers=AWAY), SinkMisconfigured, SinkMisconfigured, "elsewhere"),
    ("307", Reply(status=307, headers=AWAY), SinkUnavailable, SinkUnavailable, "elsewhere"),
    ("308", Reply(status=308, headers=AWAY), SinkUnavailable, SinkUnavailable, "elsewhere"),
    ("200 page", HTML, SinkOutcomeUnknown, SinkUnavailable, "not Vault's"),
    ("200 list", Reply(body=b"[]"), SinkOutcomeUnknown, SinkUnavailable, "not Vault's"),
    ("200 empty", replied({}), SinkOutcomeUnknown, SinkUnavailable, ""),
    ("200 deep", Reply(body=b"[" * 100_000), SinkOutcomeUnknown, SinkUnavailable, "not Vault's"),
    ("204", Reply(status=204, body=b""), SinkOutcomeUnknown, SinkUnavailable, ""),
    ("cut off", Reply(body=b"{", length=99), SinkOutcomeUnknown, SinkUnavailable, "cut off"),
    ("reset", Cut(), SinkOutcomeUnknown, SinkUnavailable, "no answer"),
    ("silence", Silence(), SinkOutcomeUnknown, SinkUnavailable, "took too long"),
]
ROWS = pytest.mark.parametrize(
    ("reply", "after_write", "after_look", "words"),
    [pytest.param(*row[1:], id=row[0]) for row in TABLE],
)


@ROWS
def test_a_write_meets_this_behaviour(reply, after_write, after_look, words):
    """One request, one definite or unknown outcome, advice, and no second request."""
    del after_look
    with canned() as server, opened(server.address, answer_timeout=0.3) as sink:
        server.answer(DATA, reply)
        with pytest.raises(KeyrecError) as met:
            sink.write(PATH, payload(), expected=0)
        assert type(met.value) is after_write
        assert words in met.value.message
        assert met.value.advice
        assert "canary" not in met.value.message + met.value.advice
        assert server.targets() == [f"POST {DATA}{PATH}"]


@ROWS
def test_a_look_meets_this_behaviour(reply, after_write, after_look, words):
    """Nothing can have been done, so every passing trouble is `unavailable`."""
    del after_write
    with canned() as server, opened(server.address, answer_timeout=0.3, max_retries=0) as sink:
        server.answer(METADATA, reply)
        if after_look is None:
            assert sink.observe(PATH) == PathSeen(version=0, content=None)
            return
        with pytest.raises(KeyrecError) as met:
            sink.observe(PATH)
        assert type(met.value) is after_look
        assert words in met.value.message
        assert met.value.advice


def test_every_trouble_has_words():
    """A new trouble needs its sentence."""
    assert set(_WORDS) == set(Trouble)


def test_a_check_and_set_mismatch_is_a_value():
    """The text of the 400 tells it from every other one."""
    with canned() as server, opened(server.address) as sink:
        server.answer(DATA, CONFLICT)
        assert sink.write(PATH, payload(), expected=3) == CheckAndSetRefused()
        assert sink.write_anchor("{}", expected=3) == CheckAndSetRefused()


def test_a_server_that_is_not_there_took_nothing():
    """A refused connection is definite."""
    with canned() as server:
        address = server.address
    with opened(address) as sink, pytest.raises(SinkUnavailable) as met:
        sink.write(PATH, payload(), expected=0)
    assert "connection refused" in met.value.message


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("9999999", 300.0), ("soon", None), ("", None), ("-1", None)]
)
def test_retry_after_is_passed_on(text, seconds):
    """In seconds, believed up to five minutes."""
    with canned() as server, opened(server.address) as sink:
        server.answer(DATA, replied({"errors": []}, 429, Retry_After=text))
        with pytest.raises(SinkUnavailable) as met:
            sink.write(PATH, payload(), expected=0)
    assert met.value.retry_after == seconds


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_a_write_that_names_another_version_than_the_next_is_unknown(version):
    """An old engine, a proxy's cache: nobody knows what that answer speaks of."""
    with canned() as server, opened(server.address) as sink:
        server.answer(DATA, replied({"data": {"version": version}}))
        with pytest.raises(SinkOutcomeUnknown):
            sink.write(PATH, payload(), expected=0)


def test_a_write_sends_exactly_the_documented_fields_with_check_and_set():
    """Consumers rely on the names; `cas` is always a number."""
    with canned() as server, opened(server.address, namespace="team") as sink:
        server.answer(DATA, written(1))
        assert sink.write(PATH, payload(), expected=0) == 1
        (request,) = server.received
    assert request.document == {
        "options": {"cas": 0},
        "data": {
            "api_key": payload().api_key.reveal(),
            "key_id": "key-1",
            "version_id": "000000000001",
            "workspace": "payments",
            "name": "billing-sync-prod",
            "environment": "prod",
            "created_at": "2026-11-24T12:00:00.000000Z",
            "expires_at": None,
        },
    }
    assert request.headers["X-Vault-Token"] == "hvs.canary-token"
    assert request.headers["X-Vault-Namespace"] == "team"
    assert request.headers["X-Vault-Request"] == "true"


def test_a_look_is_tried_again_after_passing_troubles_and_waits_as_asked():
    """Twice by default; the wait is the server's or doubles."""
    hours = Hours()
    with canned() as server, opened(server.address, hours=hours) as sink:
        server.answer(METADATA, refused(500), replied({}, 429, Retry_After="3"), metadata(4))
        server.answer(DATA, DENIED)
        assert sink.observe(PATH).version == 4
    assert hours.pauses == [0.25, 3.0]


def test_a_look_is_not_tried_again_where_that_cannot_help():
    """A missing right does not come back by asking."""
    with canned() as server, opened(server.address) as sink:
        server.answer(METADATA, DENIED)
        server.answer("/v1/auth/token/lookup-self", replied({"data": {}}))
        with pytest.raises(SinkDenied):
            sink.observe(PATH)
        assert server.targets() == [f"GET {METADATA}{PATH}"]


def test_a_denied_read_of_a_value_is_remembered_for_the_run():
    """One question too many for each key would be thousands."""
    with canned() as server, opened(server.address) as sink:
        server.answer(METADATA, metadata(2))
        server.answer(DATA, DENIED)
        assert sink.observe(PATH) == PathSeen(version=2, content=None)
        assert sink.observe(PATH) == PathSeen(version=2, content=None)
        assert server.targets() == [
            f"GET {METADATA}{PATH}",
            f"GET {DATA}{PATH}?version=2",
            f"GET {METADATA}{PATH}",
        ]


@pytest.mark.parametrize(
    "fields",
    [
        None,
        {},
        {"value": "a stranger's"},
        {"api_key": "x", "key_id": "y", "version_id": 7},
        {"api_key": "x", "key_id": "y"},
        {"api_key": "x", "key_id": "y", "version_id": "z\x00"},
        {"api_key": "x", "key_id": "\ud800", "version_id": "z"},
        ["api_key"],
    ],
)
def test_a_value_that_is_not_ours_is_no_content(fields):
    """A stranger's data is seen as a version without content."""
    with canned() as server, opened(server.address) as sink:
        server.answer(METADATA, metadata(2))
        server.answer(DATA, replied({"data": {"data": fields}}))
        assert sink.observe(PATH) == PathSeen(version=2, content=None, is_foreign=True)


def test_a_deleted_value_keeps_its_version():
    """A soft delete answers 404 with a body; the count stands in the metadata."""
    with canned() as server, opened(server.address) as sink:
        server.answer(METADATA, metadata(2, versions={"2": {"deletion_time": "x"}}))
        server.answer(DATA, replied({"data": {"data": None, "metadata": {"version": 2}}}, 404))
        assert sink.observe(PATH) == PathSeen(version=2, content=None, is_gone=True)


@pytest.mark.parametrize(
    ("entry", "settings", "is_gone"),
    [
        ({"deletion_time": "2026-11-24T12:00:00Z"}, {}, True),
        ({"deletion_time": "2026-11-24T12:00:00Z"}, {"delete_version_after": "0s"}, True),
        ({"deletion_time": "2026-11-24T12:00:00Z"}, {"delete_version_after": "1h0m0s"}, False),
        ({"deletion_time": ""}, {}, False),
        ({"destroyed": True}, {"delete_version_after": "1h0m0s"}, True),
        ("?", {}, False),
    ],
)
def test_metadata_alone_say_whether_a_value_is_gone(entry, settings, is_gone):
    """Without the right to read; a deletion that may come later is none yet."""
    with canned() as server, opened(server.address) as sink:
        server.answer(METADATA, metadata(2, versions={"2": entry}, **settings))
        server.answer(DATA, DENIED)
        assert sink.observe(PATH) == PathSeen(version=2, content=None, is_gone=is_gone)


def test_a_value_that_cannot_be_read_for_a_moment_is_not_taken_for_absent():
    """Absent and unreadable would lead to different repairs."""
    with canned() as server, opened(server.address, max_retries=0) as sink:
        server.answer(METADATA, metadata(2))
        server.answer(DATA, refused(500))
        with pytest.raises(SinkUnavailable):
            sink.observe(PATH)


@pytest.mark.parametrize(
    ("reply", "error"),
    [(DENIED, SinkDenied), (refused(500), SinkUnavailable), (Cut(), SinkUnavailable)],
)
def test_destroying_meets_this_behaviour(reply, error):
    """It can be done again, so an unknown result is only `unavailable`."""
    with canned() as server, opened(server.address, max_retries=0) as sink:
        server.answer(DESTROY, reply)
        with pytest.raises(error):
            sink.destroy(PATH, [1])


def test_destroying_names_the_versions():
    """Explicit numbers, never the metadata."""
    with canned() as server, opened(server.address) as sink:
        server.answer(DESTROY, Reply(status=204, body=b""))
        sink.destroy(PATH, (1, 2))
        (request,) = server.received
    assert (request.method, request.target) == ("POST", f"{DESTROY}{PATH}")
    assert request.document == {"versions": [1, 2]}


def test_a_strangers_value_at_the_anchors_path_has_a_version_and_no_text():
    """No anchor is read from it, and an acknowledgement knows what to write over."""
    with canned() as server, opened(server.address) as sink:
        server.answer(ANCHOR, replied({"data": {"metadata": {"version": 3}, "data": {"a": "b"}}}))
        assert sink.read_anchor() == (3, "")


def test_an_answer_about_the_anchor_that_is_not_vaults_is_refused():
    """Something else answers at that address."""
    with canned() as server, opened(server.address) as sink:
        server.answer(ANCHOR, replied({}))
        with pytest.raises(SinkUnavailable, match="not Vault's"):
            sink.read_anchor()


def test_an_anchor_whose_write_got_no_answer_is_unknown():
    """It may stand there."""
    with canned() as server, opened(server.address) as sink:
        server.answer(ANCHOR, Cut())
        with pytest.raises(SinkOutcomeUnknown):
            sink.write_anchor("{}", expected=0)


def test_the_identity_is_cluster_namespace_mount_and_prefix():
    """Asked once, without a token and outside of the namespace."""
    with canned() as server:
        server.answer(HEALTH, HEALTHY)
        with opened(server.address) as sink:
            assert sink.identity() == "vault:cluster-1/secret:keyrec"
            assert sink.identity() == "vault:cluster-1/secret:keyrec"
        with opened(server.address, namespace="team/a/") as sink:
            assert sink.identity() == "vault:cluster-1@team/a/secret:keyrec"
        assert len(server.received) == 2
        assert all("X-Vault-Token" not in request.headers for request in server.received)
        assert all("X-Vault-Namespace" not in request.headers for request in server.received)


@pytest.mark.parametrize("reply", [replied({"sealed": True}), HTML, refused(500), Cut()])
def test_without_a_cluster_id_there_is_no_identity(reply):
    """A sealed Vault does not know its own name."""
    with canned() as server, opened(server.address, max_retries=0) as sink:
        server.answer(HEALTH, reply)
        with pytest.raises(SinkUnavailable):
            sink.identity()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status):
    """Token and secret go to no other host."""
    with canned() as other, canned() as server, opened(server.address) as sink:
        there = {"Location": f"{other.address}{DATA}{PATH}"}
        server.answer(DATA, Reply(status=status, headers=there))
        other.answer("/", written(1))
        with pytest.raises(KeyrecError):
            sink.write(PATH, payload(), expected=0)
        assert other.received == []
