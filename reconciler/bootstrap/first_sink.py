"""The sink that the first policy pins: an age folder with an identity, or a Vault that is there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import Configuration
from reconciler.config import environment
from reconciler.errors import SinkMisconfigured
from reconciler.model.policy import Policy, SinkKind, SinkPolicy
from reconciler.model.vault_address import read_endpoint

StepWords = tuple[str, bool, str]
"""What it is, whether it was made now, and a remark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSink:
    """What the policy will pin, and what was made for it."""

    policy: SinkPolicy
    steps: tuple[StepWords, ...] = ()


def first_sink(
    configuration: Configuration, *, kind: SinkKind, mount: str, prefix: str
) -> FirstSink:
    """Prepare the sink and find out its identity."""
    match kind:
        case SinkKind.AGE:
            return _age(configuration)
        case SinkKind.VAULT:
            return _vault(configuration, SinkPolicy(kind=kind, mount=mount, prefix=prefix))


def identity_file(configured: str | None, environ: Mapping[str, str]) -> Path:
    """Give where people find the age identity: as configured, else outside of every repository."""
    if configured is not None:
        return Path(configured)
    home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME") or "~") / ".config")
    return Path(home).expanduser() / "keyrec" / "age" / "identity.txt"


def sink_words(sink: SinkPolicy) -> str:
    """Say in a few words where secrets go."""
    match sink.kind:
        case SinkKind.AGE:
            return f"secrets go to age files for {', '.join(sink.recipients)}"
        case SinkKind.VAULT:
            return f"secrets go to Vault, {sink.mount}/{sink.prefix}"


def _age(configuration: Configuration) -> FirstSink:
    from reconciler.adapters.age_identity import kept_identity
    from reconciler.adapters.age_sink import AgeSink

    doors.harden()
    file = identity_file(configuration.settings.age.identity, environment())
    was_there = file.exists()
    recipient = kept_identity(file)
    folder = Path(configuration.settings.age.directory)
    sink = AgeSink(folder, recipients=(recipient,))
    prepared = sink.prepare(doors.entropy().identifier())
    policy = SinkPolicy(kind=SinkKind.AGE, identity=sink.identity(), recipients=(recipient,))
    shown = folder.relative_to(configuration.root) if _is_below(folder, configuration) else folder
    return FirstSink(
        policy=policy,
        steps=(
            (str(file), not was_there, "the age identity that reads the secrets: keep a copy"),
            (f"{shown}/", prepared, "encrypted secrets are written here"),
        ),
    )


def _is_below(folder: Path, configuration: Configuration) -> bool:
    return folder.is_relative_to(configuration.root)


def _vault(configuration: Configuration, policy: SinkPolicy) -> FirstSink:
    """Pin the Vault that is configured now: its address first, and what is said there of itself."""
    endpoint = read_endpoint(configuration.settings.vault.address or "")
    policy = replace(policy, address=None if endpoint is None else str(endpoint))
    with closing(doors.open_sink(configuration.settings, Policy(sink=policy))) as sink:
        failed = [check for check in sink.preflight() if not check.passed]
        if failed:
            raise SinkMisconfigured(
                "; ".join(check.message for check in failed), advice=failed[0].advice
            )
        pinned = replace(policy, identity=sink.identity())
    note = f"checked; the policy pins {policy.address}"
    return FirstSink(policy=pinned, steps=((f"Vault {policy.mount}/", False, note),))
