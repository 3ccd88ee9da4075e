"""No secret leaves the process that made it but into the sink: every command, every channel."""

from __future__ import annotations

import http.client
import json
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from reconciler.cli.catalogue import ENTRIES
from reconciler.cli.options import PLAN_FORMS
from reconciler.model.token import compose
from tests.e2e.desk import Desk, principal
from tests.e2e.serving import serving
from tests.e2e.sweep import Sweep

PATH = "shop/prod/a"
KEY = "keys/shop/a.yaml"
MANIFESTS = {
    "keys/shop/workspace.yaml": f"""
        apiVersion: keyrec/v1
        kind: Workspace
        metadata: {{name: shop}}
        spec: {{admins: ["{principal()}"]}}
    """,
    KEY: """
        apiVersion: keyrec/v1
        kind: ApiKey
        metadata: {name: a, workspace: shop, owner: team-a}
        spec:
          environment: prod
          scopes: {Reviews: read}
          reissue: 1
          rotation: {generation: 1}
    """,
}
READING = (
    ("plan",),
    *(("plan", "--format", form) for form in PLAN_FORMS),
    ("plan", "-o", "plan.json"),
    ("show", "plan.json"),
    ("show", "plan.json", "plan.json"),
    *(("show", "plan.json", "--format", form) for form in PLAN_FORMS),
    ("validate",),
    ("status",),
    ("status", "--format", "json"),
    ("get", "shop/a"),
    ("get", "shop/a", "--format", "json"),
    ("history", "shop/a"),
    ("history", "shop/a", "--format", "json"),
    ("lock", "status"),
    ("lock", "status", "--format", "json"),
    ("lock", "release"),
    ("doctor",),
    ("doctor", "--format", "json"),
    ("schema",),
    ("drift",),
    ("drift", "--format", "json"),
    ("export",),
    ("export", "--with-resources"),
    ("adopt", "shop/a"),
    ("audit", "verify"),
    ("audit", "verify", "--format", "json"),
    ("audit", "acknowledge"),
    ("audit", "acknowledge", "--format", "json"),
    ("scan", "."),
    *(("scan", ".", "--format", form) for form in ("json", "sarif", "github")),
)


def every_form() -> set[tuple[str, ...]]:
    """Give every command and subcommand with each form in which it can be asked to answer."""
    found: set[tuple[str, ...]] = set()
    for name, entry in ENTRIES.items():
        top = import_module(entry.module).command
        for sub, command in getattr(top, "commands", {"": top}).items():
            forms = [p.type.choices for p in command.params if p.name == "form"] or [("text",)]
            found |= {tuple(word for word in (name, sub, form) if word) for form in forms[0]}
    return found


def form_of(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Give command, subcommand and form of what was asked."""
    words = asked[:2] if asked[0] in {"audit", "lock"} else asked[:1]
    form = asked[asked.index("--format") + 1] if "--format" in asked else "text"
    return (*words, form)


class _Journey:
    """A life of a key by every command, with all its secrets remembered."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.secrets: list[str] = []
        self.in_every_form = desk.store_url.startswith("sqlite")
        """A form is the same whatever the store: one pair shows all of them."""

    def go(self) -> None:
        """Create, rotate in every way, hold, explain, fail, and look at everything."""
        desk = self.desk
        for name, content in MANIFESTS.items():
            desk.write(name, content)
        self._do("apply", "--auto-approve", "-vv")
        desk.edit(KEY, "generation: 1", "generation: 2")
        self._do("apply", "--auto-approve", "--format", "json", "-vv")
        desk.edit(KEY, "reissue: 1", "reissue: 2")
        self._do("apply", "--auto-approve", "-vv")
        self._do("rotate", "shop/a", "--format", "json", "-vv")
        self._do("rotate", "shop/a", "--leaked", "-vv")
        self._do("hold", "shop/a", "--reason", "a sweep", "-vv")
        self._do("release", "shop/a", "-vv")
        self._do("apply", "--maintenance", "-vv")
        for command in READING:
            if self.in_every_form or "--format" not in command:
                desk.try_keyrec(*command, "-vv")
        for secret in (self.secrets[0], self.secrets[-1]):
            desk.try_keyrec("explain", "-vv", stdin=secret)
            desk.try_keyrec("explain", "--format", "json", stdin=f" {secret[:-1]}!")
        desk.write("keys/shop/bad.yaml", f"apiVersion: keyrec/v1\nkind: {self.secrets[0]}\n")
        for form in ("text", "json", "sarif", "github") if self.in_every_form else ("text",):
            desk.try_keyrec("validate", "--format", form, "-vv")
        (desk.folder / "keys/shop/bad.yaml").unlink()
        self._present_over_http()

    def _present_over_http(self) -> None:
        """Present the first and the last secret in every place of a request, also in wrong ones."""
        with serving(self.desk, "-vv") as port:
            for secret in (self.secrets[0], self.secrets[-1], f"{self.secrets[-1][:-1]}!"):
                for path, headers, body in _requests(secret):
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                    with closing(connection):
                        connection.request("POST" if body else "GET", path, body, headers)
                        answer = connection.getresponse()
                        self.desk.shown += [str(answer.headers), answer.read().decode()]

    def _do(self, *arguments: str) -> None:
        self.desk.keyrec(*arguments)
        self.secrets.append(self.desk.secret(PATH))


def _requests(secret: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Give path, headers and body of requests that hold a secret somewhere."""
    bearer = {"Authorization": f"Bearer {secret}"}
    yield "/v1/authorize", bearer, ""
    yield "/v1/authorize", {"X-API-Key": secret}, ""
    yield "/v1/authorize", bearer | {"X-API-Key": "another"}, ""
    yield "/v1/authorize", {"Authorization": f"Basic {secret}"}, ""
    yield f"/v1/authorize?key={secret}", {}, ""
    yield f"/v1/authorize/{secret}", bearer, ""
    yield f"/{secret}", {"X-Request-Id": secret, "X-Forwarded-For": secret}, ""
    yield "/v1/authorize?require=Reviews:operate", bearer | {"X-Request-Id": secret}, ""
    yield "/v1/introspect", bearer, json.dumps({"token": secret})
    yield "/v1/introspect", bearer, json.dumps({"token": secret, "scope": secret})
    yield "/v1/introspect", bearer, secret
    yield "/metrics", bearer, ""


@pytest.fixture
def journey(desk: Desk) -> _Journey:
    """Give a finished journey on each pair of store and sink."""
    made = _Journey(desk)
    made.go()
    return made


def test_no_command_shows_stores_or_leaves_a_secret_anywhere(journey: _Journey) -> None:
    """Output at debug level, plans, errors, the store with its dump, files: none holds a secret."""
    sweep, desk = Sweep(journey.secrets), journey.desk
    assert len(set(journey.secrets)) == 5
    if journey.in_every_form:
        assert every_form() - {form_of(asked) for asked in desk.asked} == set()

    assert not sweep.is_found_in("".join(desk.shown).encode())
    assert not sweep.is_found_in(_dump(desk).encode())
    assert sweep.files_with_secrets(desk.folder.parent) == []


def test_a_planted_leak_is_found_in_every_dress(tmp_path: Path) -> None:
    """The sweep itself can fail."""
    secret = compose(
        prefix="krk", environment="prod", version_id="0123456789ab", secret="Ab3" * 14 + "Z"
    ).reveal()
    sweep = Sweep([secret])
    for dress in (secret, secret.encode().hex(), secret.split("_")[3][:43]):
        assert sweep.is_found_in(f"…{dress}…".encode())
    for offset in ("", "x", "xy"):
        done = subprocess.run(
            ["base64", "-w0"], input=f"{offset}{secret}", capture_output=True, text=True, check=True
        )
        assert sweep.is_found_in(done.stdout.encode())
    (tmp_path / "note.txt").write_text(secret)
    assert sweep.files_with_secrets(tmp_path) == ["note.txt"]
    assert not sweep.is_found_in(b"krk_prod_0123456789ab and nothing more")


def test_no_process_has_a_secret_in_its_arguments_or_environment(desk: Desk) -> None:
    """What `ps` and /proc show of a run and of its children while it works."""
    for name, content in MANIFESTS.items():
        desk.write(name, content)
    for number in range(60):
        desk.write(
            f"keys/shop/b{number}.yaml", MANIFESTS[KEY].replace("name: a", f"name: b{number}")
        )
    seen: list[bytes] = []
    ended = threading.Event()
    with desk.started("apply", "--auto-approve") as process:
        watcher = threading.Thread(target=_watch, args=(process.pid, seen, ended))
        watcher.start()
        process.wait(timeout=60)
        ended.set()
        watcher.join()

    assert desk.said_by(process).code == 0
    secrets = [desk.secret(PATH), *(desk.secret(f"shop/prod/b{n}") for n in range(0, 60, 20))]
    assert seen
    assert not Sweep(secrets).is_found_in(b"\n".join(seen))


def _watch(pid: int, seen: list[bytes], ended: threading.Event) -> None:
    """Read arguments and environment of a process and its children until it ends."""
    while not ended.wait(0.02):
        for number in [pid, *_children(pid)]:
            for name in ("cmdline", "environ"):
                try:
                    seen.append(Path(f"/proc/{number}/{name}").read_bytes())
                except OSError:
                    continue


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _dump(desk: Desk) -> str:
    """Give everything that the store holds, as text."""
    if desk.store_url.startswith("sqlite"):
        with closing(sqlite3.connect(desk.folder / ".keyrec/keys.db")) as database:
            return "\n".join(database.iterdump())
    engine = create_engine(desk.store_url)
    with engine.connect() as connection:
        rows = [
            str(tuple(row))
            for table in inspect(connection).get_table_names()
            for row in connection.execute(text(f'SELECT * FROM "{table}"'))
        ]
    engine.dispose()
    assert rows
    return "\n".join(rows)
