"""hvac over our own connections: whatever the library makes of a path, it stays in its place."""

from __future__ import annotations

import http.client

import pytest
from hvac.api.secrets_engines import KvV2

from reconciler.adapters.vault_answers import Failure, Success, Trouble
from reconciler.adapters.vault_place import Place
from reconciler.adapters.vault_pool import ConnectionPool
from reconciler.adapters.vault_transport import Link
from reconciler.model.secret import Secret
from tests.adapters.vault_rigs import written
from tests.services.canned import CannedServer, canned


def link_to(server: CannedServer) -> Link:
    """Give a link over plain connections to a canned server."""
    pool = ConnectionPool(
        lambda: http.client.HTTPConnection("127.0.0.1", server.port),
        host=f"127.0.0.1:{server.port}",
        size=1,
        answer_timeout=5.0,
    )
    return Link(pool=pool, place=Place(mount="secret", prefix="keyrec"), namespace=None)


@pytest.mark.parametrize(
    ("mount", "path"),
    [
        ("secret", "keyrec/../../../sys/policies/acl/x"),
        ("secret", "keyrec/a/../../other"),
        ("secret", "keyrec//a"),
        ("secret", "keyrec/a?x=1"),
        ("secret", "keyrec/a b"),
        ("secret", "keyrec/ä"),
        ("secret", "other/a"),
        ("secret/../other", "keyrec/a"),
        ("other", "keyrec/a"),
    ],
)
def test_a_call_that_would_leave_the_pinned_place_is_not_sent(mount, path):
    """The last check before the socket, behind the check of every segment."""
    with canned() as server:
        link = link_to(server)
        api = KvV2(link.adapter(Secret("hvs.canary")))
        answer = api.create_or_update_secret(path, {"a": "b"}, cas=0, mount_point=mount)
        assert isinstance(answer, Failure)
        assert answer.trouble is Trouble.NOT_SENT
        assert server.received == []
        link.pool.close()


def test_a_call_within_it_is_sent_with_the_token_in_its_header():
    """The other half of the check: it does not refuse everything."""
    with canned() as server:
        server.answer("/v1/secret/data/keyrec/a", written(1))
        link = link_to(server)
        api = KvV2(link.adapter(Secret("hvs.canary")))
        answer = api.create_or_update_secret("keyrec/a", {"a": "b"}, cas=0, mount_point="secret")
        assert isinstance(answer, Success)
        (request,) = server.received
        assert request.headers["X-Vault-Token"] == "hvs.canary"
        link.pool.close()


def test_hvac_never_keeps_a_token():
    """A login through hvac's own way would write the token into a shared object."""
    with canned() as server, pytest.raises(NotImplementedError):
        link_to(server).adapter(None).get_login_token({"auth": {"client_token": "canary"}})
