"""The services of the example 09, each entered by keys that `keyrec apply` made."""

from __future__ import annotations

import asyncio
import atexit
import importlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import httpx
import pytest

from reconciler.bootstrap import doors
from tests.e2e.desk import ROOT, Desk, age_desk

EXAMPLE = ROOT / "examples" / "09-in-process"
SOURCES = ("fastapi_app", "flask_app", "django_app")
PATIENCE = 60.0
"""Seconds after which a test gives up waiting for what has to come."""

Answer: TypeAlias = tuple[int, list[tuple[str, str]], bytes]


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The example, applied, with what its callers hold."""

    desk: Desk
    reader: str = field(repr=False)
    moderator: str = field(repr=False)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Copy the example, and make its keys."""
    desk = age_desk(tmp_path_factory.mktemp("shop"))
    shutil.copytree(
        EXAMPLE, desk.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".keyrec")
    )
    desk.keyrec("init")
    desk.apply()
    return Shop(
        desk=desk,
        reader=desk.secret("shop/dev/reader"),
        moderator=desk.secret("shop/dev/moderator"),
    )


@pytest.fixture(scope="module")
def services(shop: Shop) -> Iterator[dict[str, ModuleType]]:
    """Import the services as their servers do; close their verifiers at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doors, "harden", lambda: None)
        patch.syspath_prepend(shop.desk.folder)
        modules = {name: importlib.import_module(name) for name in SOURCES}
        yield modules
        for name, module in modules.items():
            atexit.unregister(module.verifier.close)
            module.verifier.close()
            del sys.modules[name]


def asked(
    module: ModuleType, method: str, path: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send one request to a service, without a network."""
    request = httpx.Request(method, f"http://localhost{path}", headers=headers)
    application = getattr(module, "application", None) or module.app
    if module.__name__ != "fastapi_app":
        with httpx.Client(transport=httpx.WSGITransport(app=application)) as client:
            return client.send(request)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.send(request)

    return asyncio.run(send())


@pytest.mark.parametrize("name", SOURCES)
def test_a_service_is_entered_by_keys(
    name: str, shop: Shop, services: dict[str, ModuleType]
) -> None:
    """Each caller does what its key may, in every framework."""

    def ask(method: str, path: str, key: str) -> tuple[int, object]:
        answer = asked(services[name], method, path, {"X-API-Key": key} if key else {})
        return answer.status_code, answer.json()

    service = services[name]
    assert asked(service, "GET", "/healthz").status_code == 200
    assert ask("GET", "/reviews", shop.reader) == (200, {"caller": "shop/reader"})
    assert ask("GET", "/reviews", shop.moderator) == (200, {"caller": "shop/moderator"})
    approved = {"approved": "7", "by": "shop/moderator"}
    assert ask("POST", "/reviews/7/approve", shop.moderator) == (200, approved)
    bearer = {"Authorization": f"Bearer {shop.reader}"}
    assert asked(service, "GET", "/reviews", bearer).status_code == 200


REFUSALS: dict[str, tuple[str, str, Callable[[Shop], str], int, str]] = {
    "no key": ("GET", "/reviews", lambda _: "", 401, "missing-credential"),
    "no key's form": ("GET", "/reviews", lambda _: "hello", 401, "invalid-key"),
    "a letter less": ("GET", "/reviews", lambda shop: shop.reader[:-1], 401, "invalid-key"),
    "too little": (
        "POST",
        "/reviews/7/approve",
        lambda shop: shop.reader,
        403,
        "insufficient-scope",
    ),
    "no rule": ("GET", "/elsewhere", lambda shop: shop.moderator, 403, "misconfigured"),
    "an odd path": ("GET", "/reviews//7", lambda shop: shop.moderator, 403, "misconfigured"),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_every_framework_refuses_by_the_same_bytes(
    why: str, shop: Shop, services: dict[str, ModuleType]
) -> None:
    """Whether the table refuses or a route: status, headers and body are one."""
    method, path, key_of, status, code = REFUSALS[why]
    key = key_of(shop)
    answers = []
    for module in services.values():
        answer = asked(module, method, path, {"X-API-Key": key} if key else {})
        headers = [(name.lower(), value) for name, value in answer.headers.items()]
        answers.append((answer.status_code, headers, answer.content))
    assert answers[0][0] == status
    assert json.loads(answers[0][2])["code"] == code
    assert answers == answers[:1] * len(SOURCES)


def test_flasks_own_test_client_passes_the_entrance(
    shop: Shop, services: dict[str, ModuleType]
) -> None:
    """Tests of a guarded service need a key, as its callers do."""
    client = services["flask_app"].app.test_client()
    assert client.get("/reviews").status_code == 401
    assert client.get("/reviews", headers={"X-API-Key": shop.reader}).status_code == 200


@contextmanager
def uvicorn_at(folder: Path, log: Path, environment: dict[str, str]) -> Iterator[str]:
    """Serve the FastAPI example with a real uvicorn; its address. Ends it, and holds it to 0."""
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as written:
        arguments = ("fastapi_app:app", "--fd", str(listener.fileno()), "--no-proxy-headers")
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *arguments],
            cwd=folder,
            env=environment,
            pass_fds=[listener.fileno()],
            stdout=written,
            stderr=written,
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()


def until(ask: Callable[[], httpx.Response], is_so: Callable[[httpx.Response], bool]) -> None:
    """Ask until an answer is as it has to become."""
    deadline = time.monotonic() + PATIENCE
    while not is_so(answer := ask()):
        assert time.monotonic() < deadline, f"still {answer.status_code}: {answer.text}"


def test_a_running_service_learns_what_keyrec_does(shop: Shop, tmp_path: Path) -> None:
    """Behind uvicorn: a rotated secret is told so, a key on hold is refused, uses are reported."""
    desk, log = shop.desk, tmp_path / "uvicorn.log"
    with (
        uvicorn_at(desk.folder, log, desk.environment) as address,
        httpx.Client(base_url=address, timeout=PATIENCE, trust_env=False) as client,
    ):

        def ask() -> httpx.Response:
            return client.get("/reviews", headers={"X-API-Key": shop.moderator})

        first = ask()
        assert first.json() == {"caller": "shop/moderator"}, log.read_text()
        assert "x-auth-rotate-by" not in first.headers
        desk.keyrec("rotate", "moderator")
        until(ask, lambda answer: "x-auth-rotate-by" in answer.headers)
        newer = {"X-API-Key": desk.secret("shop/dev/moderator")}
        assert "x-auth-rotate-by" not in client.get("/reviews", headers=newer).headers
        desk.keyrec("hold", "moderator", "--reason", "a test")
        until(ask, lambda answer: answer.status_code == 401)
        assert ask().json()["code"] == "key-held"
        assert client.get("/reviews", headers={"X-API-Key": shop.reader}).status_code == 200
    assert desk.count("version_uses") == 3
    assert desk.count("version_marks WHERE marks LIKE '%127.0.0.1%'") == 3
    desk.keyrec("release", "moderator")
