"""keyrec from Python: the same doors as the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

import reconciler
from reconciler.apply.outcome import Outcome
from reconciler.bootstrap.wishes import RunTerms
from reconciler.credentials.verdict import Allowed, Denied
from reconciler.errors import ConfigInvalid, PlanDiffers, StoreOutdated
from tests.fakes.command_line import CommandLine


def test_what_was_planned_is_applied(started: CommandLine) -> None:
    """Load, plan, apply; then there is nothing left."""
    keyrec = reconciler.load("keyrec.yaml")
    plan = keyrec.plan()
    seen: list[Outcome] = []
    report = keyrec.apply(approved=plan.digest, on_outcome=seen.append)
    assert [o.address for o in report.outcomes] == ["workspace/demo", "demo/hello-dev"]
    assert tuple(seen) == report.outcomes
    assert keyrec.plan().changes == ()


def test_another_plan_is_not_applied(started: CommandLine) -> None:
    """The digest is the approval."""
    with pytest.raises(PlanDiffers):
        reconciler.load().apply(approved="sha256:0")
    assert started("status").out == "No keys.\n"


def test_maintenance_needs_no_approval(applied: CommandLine) -> None:
    """Applied manifests approved it."""
    applied("rotate", "hello-dev", "--leaked")
    report = reconciler.load().apply(approved=None, terms=RunTerms(maintenance_only=True))
    assert [o.actions for o in report.outcomes] == [("destroy",)]


def test_a_presented_key_is_answered_about(applied: CommandLine) -> None:
    """Opened on the store of the configuration; the use is known afterwards."""
    key = applied.secret_at("demo/dev/hello-dev")
    with reconciler.load().verifier(environment="dev") as verifier:
        allowed = verifier.check(key, address="203.0.113.7", scope="Reviews:read")
        assert isinstance(allowed, Allowed)
        assert str(allowed.record.address) == "demo/hello-dev"
        assert not allowed.is_retiring
        denied = verifier.check(key, environment="prod")
        assert isinstance(denied, Denied)
        assert (denied.reason.value, denied.is_proven) == ("wrong-environment", False)
    assert '"last_used_at": null' not in applied("get", "hello-dev", "--format", "json").out


def test_a_verifier_needs_a_store(keyrec: CommandLine) -> None:
    """Of this program's form; which is said when it is opened."""
    keyrec.set(KEYREC_MANAGER="m")
    with pytest.raises(StoreOutdated, match="no store yet"):
        reconciler.load().verifier()


def test_a_missing_configuration_is_an_error_of_ours(keyrec: CommandLine) -> None:
    """Nothing is loaded by half."""
    with pytest.raises(ConfigInvalid):
        reconciler.load()


def test_importing_the_package_loads_nothing_of_it() -> None:
    """A service that only wants the version pays nothing."""
    script = (
        "import sys, reconciler; print([n for n in sys.modules if n.startswith('reconciler.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
    with pytest.raises(AttributeError):
        _ = reconciler.nothing
