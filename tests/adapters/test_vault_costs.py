"""What a run costs Vault, counted in requests that arrive at a server."""

from __future__ import annotations

from collections import Counter

from reconciler.adapters.vault_sink import VaultSink
from reconciler.model.policy import SinkKind, SinkPolicy
from tests.adapters.vault_rigs import ABSENT, ANCHOR, DATA, HEALTH, HEALTHY, opened, written
from tests.fakes.world import World, policy, spec
from tests.services.canned import CannedServer, canned, replied

BESIDE = 8
"""Requests of one run that makes secrets, beside one for each of them."""


def answering(server: CannedServer) -> None:
    """Answer as a Vault without any key, where everything is allowed."""
    rights = {
        "secret/data/keyrec/_keyrec/preflight": ["create", "update"],
        "secret/metadata/keyrec/_keyrec/preflight": ["read"],
        "secret/data/keyrec/_keyrec/anchor": ["create", "update", "read"],
    }
    server.answer(HEALTH, HEALTHY)
    server.answer("/v1/auth/token/lookup-self", replied({"data": {"ttl": 3600}}))
    server.answer(
        "/v1/sys/internal/ui/mounts/",
        replied({"data": {"type": "kv", "options": {"version": "2"}}}),
    )
    server.answer("/v1/secret/config", replied({"data": {}}))
    server.answer("/v1/sys/capabilities-self", replied({"data": rights}))
    server.answer("/v1/secret/metadata/keyrec/", ABSENT)
    server.answer(ANCHOR, ABSENT, written(1))
    server.answer(DATA, written(1))


def requests_of(count: int) -> Counter[str]:
    """Make so many keys; the requests by method and target, those of keys under one name."""
    with canned() as server, opened(server.address) as sink:
        answering(server)
        world = world_on(sink)
        assert world.apply(*(spec(f"k{number}") for number in range(count))).exit_code == 0
        targets = server.targets()
    keys = [t for t in targets if "/payments/" in t]
    assert len(keys) == len(set(keys)) == count
    assert all(target.startswith(f"POST {DATA}payments/prod/") for target in keys)
    return Counter("key" if target in set(keys) else target for target in targets)


def world_on(sink: VaultSink) -> World:
    """Give a world whose sink is a real one."""
    pinned = SinkPolicy(
        kind=SinkKind.VAULT, identity=sink.identity(), mount="secret", prefix="keyrec"
    )
    world = World.seeded(stored=policy(sink=pinned))
    world.sink = sink  # type: ignore[assignment]  # a real one
    return world


def test_a_creation_is_one_request_and_a_run_a_few_more() -> None:
    """Nothing is read before it, nothing is asked twice, and a login is not made for each."""
    few, many = requests_of(3), requests_of(230)
    assert (few.pop("key"), many.pop("key")) == (3, 230)
    assert few == many
    assert sum(many.values()) <= BESIDE
