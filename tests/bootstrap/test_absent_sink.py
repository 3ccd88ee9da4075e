"""A sink that could not be opened says why, wherever it is used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from reconciler.bootstrap.absent_sink import AbsentSink
from reconciler.errors import SinkMisconfigured
from reconciler.model.policy import SinkKind
from reconciler.model.secret import Secret
from reconciler.ports import SecretPayload, SecretSink

ERROR = SinkMisconfigured("no address", advice="set VAULT_ADDR")


def payload() -> SecretPayload:
    """Give something to write."""
    return SecretPayload(
        api_key=Secret("x"),
        key_id="k",
        version_id="v",
        workspace="w",
        name="n",
        environment="e",
        created_at=datetime(2026, 11, 24, tzinfo=timezone.utc),
        expires_at=None,
    )


@pytest.mark.parametrize(
    "use",
    [
        lambda sink: sink.identity(),
        lambda sink: sink.write("w/n", payload(), expected=0),
        lambda sink: sink.observe("w/n"),
        lambda sink: sink.destroy("w/n", [1]),
        lambda sink: sink.read_anchor(),
        lambda sink: sink.write_anchor("", expected=0),
    ],
    ids=["identity", "write", "observe", "destroy", "read_anchor", "write_anchor"],
)
def test_every_use_is_answered_with_the_reason(use: Callable[[SecretSink], object]) -> None:
    """The error of its opening, not another one."""
    sink = AbsentSink(SinkKind.VAULT, ERROR)
    with pytest.raises(SinkMisconfigured) as refused:
        use(sink)
    assert refused.value is ERROR
    sink.close()


def test_its_preflight_is_one_failed_check() -> None:
    """`doctor` shows it like any other."""
    (check,) = AbsentSink(SinkKind.AGE, ERROR).preflight()
    assert (check.passed, check.message, check.advice) == (False, "no address", "set VAULT_ADDR")
