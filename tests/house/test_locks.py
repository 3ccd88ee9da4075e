"""Locks: everything that is installed is pinned by version and hash."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from typing import Any

import pytest

from tests.house.repository import ROOT

LOCKS = (
    "requirements/runtime.lock",
    "requirements/ci.lock",
    "requirements/dev.lock",
    "requirements/bench.lock",
)
PIN = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][\w.]*)"
    r"(?: ; [\w .'\"=!<>()]+)?"
    r"(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)"
)


def entries(lock: str) -> list[str]:
    """Give the lock's entries, each with its hashes, without comments."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return re.split(r"\n(?=\S)", "\n".join(lines))


def pins(lock: str) -> dict[str, str]:
    """Give name → version of a lock."""
    matches = (PIN.fullmatch(entry) for entry in entries(lock))
    return {match["name"]: match["version"] for match in matches if match}


def project() -> dict[str, Any]:
    """Give pyproject.toml, decoded."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        return tomllib.load(stream)


def names(requirements: list[str]) -> set[str]:
    """Give the normalised names of requirements."""
    heads = (re.match(r"[\w.-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", head[0]).lower() for head in heads if head}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_nothing_but_hashed_pins(lock: str) -> None:
    """No address, path, option or open version stands in a lock."""
    assert [entry for entry in entries(lock) if not PIN.fullmatch(entry)] == []


def test_every_declared_dependency_is_locked() -> None:
    """What pyproject.toml asks for stands in the lock that serves it."""
    declared = project()
    runtime = names(declared["project"]["dependencies"])
    extras = names([*chain.from_iterable(declared["project"]["optional-dependencies"].values())])
    tools = names(declared["dependency-groups"]["dev"])
    assert runtime - pins("requirements/runtime.lock").keys() == set()
    assert (runtime | extras | tools) - pins("requirements/dev.lock").keys() == set()


def test_what_ci_installs_has_every_extra() -> None:
    """A job that applies is known by its token, and reaches the shared store."""
    extras = project()["project"]["optional-dependencies"]
    wanted = names([*extras["oidc"], *extras["postgres"]]) | {"cryptography"}
    assert wanted - pins("requirements/ci.lock").keys() == set()


def test_the_locks_agree() -> None:
    """What the tests ran with is what users install."""
    assert pins("requirements/runtime.lock").items() <= pins("requirements/ci.lock").items()
    assert pins("requirements/ci.lock").items() <= pins("requirements/dev.lock").items()


def test_what_is_measured_has_what_the_tests_had() -> None:
    """The peers of `make bench` come beside the versions of the development lock, and change none."""
    measured, tested = pins("requirements/bench.lock"), pins("requirements/dev.lock")
    assert names(project()["dependency-groups"]["bench"]) - measured.keys() == set()
    shared = measured.keys() & tested.keys()
    assert {name: measured[name] for name in shared} == {name: tested[name] for name in shared}
    assert pins("requirements/runtime.lock").items() <= measured.items()


def test_the_build_back_end_is_locked() -> None:
    """The editable install needs nothing that is not in the lock."""
    back_end = names(project()["build-system"]["requires"]) | {"editables"}
    assert back_end - pins("requirements/dev.lock").keys() == set()
    assert (
        names(project()["dependency-groups"]["build"]) - pins("requirements/ci.lock").keys()
        == set()
    )
