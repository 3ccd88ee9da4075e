"""Whole runs against a real Vault that is set up as the reference's tables say, row by row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from reconciler.adapters.vault_sink import VaultSink
from reconciler.config import VaultAuth, VaultAuthMethod, VaultSettings
from reconciler.errors import ExitCode, KeyrecError
from reconciler.model.keys import KeySpec
from reconciler.ports import SecretPayload
from tests.adapters.test_vault_behaviour import KEY, rows, world_with
from tests.contracts.sink_rigs import example_policy
from tests.fakes.world import World, spec
from tests.services.vault_server import VaultClient

RIGHTS = ("apply", "apply-destroy")


class Meddled(VaultSink):
    """The real sink; somebody does something to Vault just before a write."""

    meddle: Callable[[], object] = staticmethod(lambda: None)

    def write(self, path: str, payload: SecretPayload, *, expected: int) -> Any:
        """Let it happen, then write."""
        self.meddle()
        return super().write(path, payload, expected=expected)


@dataclass
class Scene:
    """A mount of a real Vault, and runs against it by tokens of the example policies."""

    client: VaultClient
    mount: str
    world: World = field(init=False)
    said: str = ""
    sinks: list[Meddled] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Pin this Vault, before anything about the mount is odd."""
        self.world = world_with(self.open(self.token(*RIGHTS)), mount=self.mount)

    def token(self, *policies: str, **fields: Any) -> str:
        """Give a token with these of the example policies."""
        names = [
            self.client.new_policy(example_policy(name, mount=self.mount)) for name in policies
        ]
        return self.client.new_token(*names, **fields)

    def open(self, token: str = "", **settings: Any) -> Meddled:
        """Open the sink by a token, or as the settings say."""
        auth = VaultAuth(token=SecretStr(token))
        known: dict[str, Any] = {"auth": auth, "address": self.client.address}
        sink = Meddled(
            VaultSettings(**(known | settings)), mount=self.mount, prefix="keyrec", parallelism=2
        )
        self.sinks.append(sink)
        return sink

    def by(self, token: str = "", **settings: Any) -> Meddled:
        """Let the next runs have this token, or these settings."""
        sink = self.open(token, **settings)
        self.world.sink = sink  # type: ignore[assignment]
        return sink

    def apply(self, *specs: KeySpec, **options: Any) -> int:
        """Run; its exit code."""
        before = len(self.world.watched)
        try:
            code = int(self.world.apply(*(specs or [spec("a")]), **options).exit_code)
        except KeyrecError as error:
            self.said, code = f"{error.message} {error.advice}", int(error.exit_code)
        self.said += " ".join(f"{o.message} {o.advice}" for o in self.world.watched[before:])
        return code

    def kv(self, method: str, kind: str, body: dict[str, Any] | None = None) -> Any:
        """Do something to the key's path."""
        return self.client.call(method, f"{self.mount}/{kind}/keyrec/{KEY}", body)

    def secret(self) -> str:
        """Read the latest value as a consumer does."""
        return str(self.kv("GET", "data")["data"]["data"]["api_key"])

    def works(self) -> bool:
        """Whether what a consumer reads is accepted (P1), and the record says where it is (P3)."""
        current = self.world.record("a").current
        version = self.kv("GET", "data")["data"]["metadata"]["version"]
        return (
            current is not None
            and current.sink_version == version
            and self.world.authenticates(self.secret())
            and not self.world.store.observe(self.world.plan().manager).operations
        )

    def is_untouched(self) -> bool:
        """Whether no secret was drawn at all."""
        return not self.world.store.state.versions


def refuses(scene: Scene, words: str) -> int:
    """A run that draws no secret, and says why."""
    code = scene.apply()
    assert scene.is_untouched()
    assert words in scene.said
    return code


# Mounts, paths and rights.


def _version_1(scene: Scene) -> int:
    scene.client.call("DELETE", f"sys/mounts/{scene.mount}")
    body = {"type": "kv", "options": {"version": "1"}}
    scene.client.call("POST", f"sys/mounts/{scene.mount}", body)
    return refuses(scene, "enable-versioning")


def _no_mount(scene: Scene) -> int:
    scene.client.call("DELETE", f"sys/mounts/{scene.mount}")
    return refuses(scene, f"the mount {scene.mount}")


def _mount_forgets(scene: Scene) -> int:
    scene.client.call("POST", f"{scene.mount}/config", {"delete_version_after": "1h"})
    return refuses(scene, "live keys would vanish")


def _path_forgets(scene: Scene) -> int:
    scene.kv("POST", "metadata", {"delete_version_after": "1s"})
    code = scene.apply()
    assert scene.works()
    time.sleep(1.5)
    assert scene.client.status("GET", f"{scene.mount}/data/keyrec/{KEY}") == 404
    scene.by(scene.token(*RIGHTS, "apply-read"))
    scene.kv("POST", "metadata", {"delete_version_after": "0s"})
    assert scene.apply(maintenance_only=True) == ExitCode.DONE
    assert scene.works()
    return code


def _wants_check_and_set(scene: Scene) -> int:
    scene.client.call("POST", f"{scene.mount}/config", {"cas_required": True})
    return scene.apply()


def _keeps_one_version(scene: Scene) -> int:
    scene.client.call("POST", f"{scene.mount}/config", {"max_versions": 1})
    scene.apply()
    first = scene.secret()
    code = scene.apply(spec("a", generation=2))
    assert scene.world.authenticates(first)
    return code


def mended(scene: Scene, spoil: Callable[[], object], *, at: int) -> int:
    """A key, what somebody does to it, and the maintenance that follows."""
    scene.apply()
    spoil()
    code = scene.apply(maintenance_only=True)
    assert scene.kv("GET", "data")["data"]["metadata"]["version"] == at
    return code


def _soft_deleted(scene: Scene) -> int:
    return mended(scene, lambda: scene.kv("DELETE", "data"), at=2)


def _destroyed(scene: Scene) -> int:
    return mended(scene, lambda: scene.kv("PUT", "destroy", {"versions": [1]}), at=2)


def _metadata_deleted(scene: Scene) -> int:
    return mended(scene, lambda: scene.kv("DELETE", "metadata"), at=1)


def _rolled_back(scene: Scene) -> int:
    scene.by(scene.token(*RIGHTS, "apply-read"))
    scene.apply()
    old = scene.kv("GET", "data")["data"]["data"]
    scene.apply(spec("a", generation=2))
    scene.kv("POST", "data", {"data": old})
    code = scene.apply(maintenance_only=True)
    assert scene.secret() != old["api_key"]
    return code


def _stranger(scene: Scene) -> int:
    scene.apply()
    for _ in range(2):
        scene.kv("POST", "data", {"data": {"password": "a stranger's"}})
    code = scene.apply(spec("a", generation=2))
    assert scene.kv("GET", "data")["data"]["data"] == {"password": "a stranger's"}
    assert "adopt: 3" in str(scene.world.watched[-1])
    return code


def _no_read(scene: Scene) -> int:
    return scene.apply()


def _no_destroy(scene: Scene) -> int:
    scene.by(scene.token("apply"))
    scene.apply()
    scene.apply(spec("a", generation=2, overlap=timedelta(0)))
    scene.world.clock.advance(timedelta(hours=1))
    code = scene.apply(maintenance_only=True)
    assert scene.client.status("GET", f"{scene.mount}/data/keyrec/{KEY}?version=1") == 200
    return code


def _no_metadata(scene: Scene) -> int:
    return _lacking(scene, "data", "create", "update", "read", words="read on")


def _no_write(scene: Scene) -> int:
    return _lacking(scene, "metadata", "read", words="create, update on")


def _lacking(scene: Scene, kind: str, *rights: str, words: str) -> int:
    allowed = ", ".join(f'"{right}"' for right in rights)
    text = f'path "{scene.mount}/{kind}/keyrec/*" {{ capabilities = [{allowed}] }}\n'
    text += f'path "{scene.mount}/config" {{ capabilities = ["read"] }}\n'
    text += f'path "{scene.mount}/data/keyrec/_keyrec/anchor" {{ capabilities = ["create", "update", "read"] }}\n'
    scene.by(scene.client.new_token(scene.client.new_policy(text)))
    return refuses(scene, words)


def _other_workspace(scene: Scene) -> int:
    whole = example_policy("apply", mount=scene.mount)
    text = "".join(whole.replace("/keyrec/*", f"/keyrec/{part}/*") for part in ("other", "_keyrec"))
    scene.by(scene.client.new_token(scene.client.new_policy(text)))
    code = scene.apply()
    assert "denied" in scene.said
    scene.by(scene.token(*RIGHTS))
    assert scene.apply() == ExitCode.DONE
    return code


# Tokens, and whose Vault it is.


def _obtained_is_revoked(scene: Scene) -> int:
    scene.by(auth=_approle(scene)).meddle = lambda: _revoke_all(scene)
    return scene.apply()


def _obtained_is_used_up(scene: Scene) -> int:
    scene.by(auth=_approle(scene, token_num_uses=3))
    return scene.apply()


def _given_is_revoked(scene: Scene) -> int:
    token = scene.token(*RIGHTS)
    revoke = {"token": token}
    scene.by(token).meddle = lambda: scene.client.call("POST", "auth/token/revoke", revoke)
    code = scene.apply()
    assert "The token has ended" in scene.said
    scene.by(scene.token(*RIGHTS))
    assert scene.apply() == ExitCode.DONE
    return code


def _given_ends_soon(scene: Scene) -> int:
    scene.by(scene.token(*RIGHTS, ttl="60s"))
    return refuses(scene, "Give a token that lives longer")


def _given_is_counted(scene: Scene) -> int:
    scene.by(scene.token(*RIGHTS, num_uses=100))
    return refuses(scene, "Give a token without a limit of uses")


def _given_is_wrong(scene: Scene) -> int:
    scene.by("hvs.wrong")
    return refuses(scene, "denied")


def _another_vault(scene: Scene) -> int:
    world = scene.world
    scene.world = world_with(world.sink, mount=scene.mount, identity="vault:another/kv:keyrec")
    return refuses(scene, "but the stored policy pins vault:another/kv:keyrec")


def _approle(scene: Scene, **fields: Any) -> VaultAuth:
    if "approle/" not in scene.client.call("GET", "sys/auth")["data"]:
        scene.client.call("POST", "sys/auth/approle", {"type": "approle"})
    policy = scene.client.new_policy(example_policy("apply", mount=scene.mount))
    role = f"auth/approle/role/{scene.mount}"
    scene.client.call("POST", role, {"token_policies": [policy], "token_ttl": "1h", **fields})
    role_id = scene.client.call("GET", f"{role}/role-id")["data"]["role_id"]
    secret_id = scene.client.call("POST", f"{role}/secret-id", {})["data"]["secret_id"]
    return VaultAuth(
        method=VaultAuthMethod.APPROLE,
        mount="approle",
        role_id=role_id,
        secret_id=SecretStr(secret_id),
    )


def _revoke_all(scene: Scene) -> None:
    """Revoke what was obtained by this scene's role, once."""
    (sink,) = [s for s in scene.sinks if s.meddle is not Meddled.meddle]
    sink.meddle = lambda: None
    token = sink._session._tokens.token().reveal()
    scene.client.call("POST", "auth/token/revoke", {"token": token})


SCENES: dict[str, dict[str, Callable[[Scene], int]]] = {
    "Mounts, paths and rights": {
        "the mount is KV version 1": _version_1,
        "there is no such mount": _no_mount,
        "`delete_version_after` is set on the mount": _mount_forgets,
        "`delete_version_after` is set on the path": _path_forgets,
        "`cas_required` is set": _wants_check_and_set,
        "`max_versions` is 1": _keeps_one_version,
        "the latest version was soft-deleted": _soft_deleted,
        "the latest version was destroyed": _destroyed,
        "the path's metadata were deleted": _metadata_deleted,
        "the path was rolled back, values may be read": _rolled_back,
        "a stranger wrote to the path": _stranger,
        "no right to read values": _no_read,
        "no right to destroy": _no_destroy,
        "no right to see versions": _no_metadata,
        "no right to write": _no_write,
        "the right to write another workspace's keys alone": _other_workspace,
    },
    "Tokens": {
        "an obtained token is revoked during the run": _obtained_is_revoked,
        "an obtained token is used up during the run": _obtained_is_used_up,
        "a given token is revoked during the run": _given_is_revoked,
        "a given token ends within two minutes": _given_ends_soon,
        "a given token may be used a limited number of times": _given_is_counted,
        "a given token is wrong": _given_is_wrong,
        "another Vault answers": _another_vault,
    },
}
ROWS = [(title, *row) for title in SCENES for row in rows(title)]


@pytest.fixture
def scene(vault_client: VaultClient, vault_mount: str) -> Iterator[Scene]:
    """Give a fresh mount, and close every sink in the end."""
    made = Scene(client=vault_client, mount=vault_mount)
    yield made
    for sink in made.sinks:
        sink.close()


@pytest.mark.parametrize("title", SCENES)
def test_the_tables_and_the_scenes_are_the_same(title: str) -> None:
    """Every row has its scene, and every scene its row."""
    assert [row[0] for row in rows(title)] == list(SCENES[title])


@pytest.mark.parametrize(("title", "name", "does", "code"), ROWS, ids=[r[1] for r in ROWS])
def test_a_run_against_a_real_vault_ends_as_the_table_says(
    scene: Scene, title: str, name: str, does: str, code: str
) -> None:
    """The exit code, and unless the run refused before, a value that works at the end."""
    assert str(SCENES[title][name](scene)) == code
    if not does.startswith(("refuses", "overwrites nothing")):
        assert scene.works()
