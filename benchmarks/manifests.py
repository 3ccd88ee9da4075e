"""Manifests for measuring, and a folder in which keyrec commands run on them.

Every key has two scopes, two ranges and an end, as most keys have; 200 belong to a workspace.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import command

KEYREC = Path(sys.executable).with_name("keyrec")
KEYS = "keys"
"""The folder of the manifests, below the one in which commands run."""
TO_A_WORKSPACE = 200
FILES = 1000
AGE_AND_SQLITE = """\
apiVersion: keyrec/v1
kind: Config
manager: bench
manifests: [keys]
store: {url: sqlite:///.keyrec/keys.db}
sink: {age: {directory: .keyrec/secrets}}
"""
_KEY = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: svc-{number:06d}-prod
  workspace: {workspace}
  description: {description}
spec:
  environment: prod
  scopes:
    Reviews: read
    Webhooks: change
  allowlist:
    - 203.0.113.{octet}/32
    - 2001:db8:{group:x}::/48
  expiration: 90d
  active: true
  rotation:
    generation: {generation}
"""
_WORKSPACE = """\
apiVersion: keyrec/v1
kind: Workspace
metadata:
  name: {workspace}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is different where the same keys are declared once more."""

    description: str = "Measured"
    generation: int = 1


def single_files(count: int, folder: Path, shape: Shape | None = None) -> None:
    """Write so many keys below a folder, one to a file, a folder to a workspace."""
    for workspace, numbers in _workspaces(count):
        place = folder / workspace
        place.mkdir(parents=True, exist_ok=True)
        (place / "workspace.yaml").write_text(_WORKSPACE.format(workspace=workspace))
        for number in numbers:
            text = key_text(number, workspace, shape or Shape())
            (place / f"svc-{number:06d}-prod.yaml").write_text(text)


def thousand_files(count: int, folder: Path, shape: Shape | None = None) -> None:
    """Write the same keys in a thousand files of many documents, the workspaces in one."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = [(number, workspace) for workspace, ns in _workspaces(count) for number in ns]
    texts = [key_text(number, workspace, shape or Shape()) for number, workspace in listed]
    names = dict.fromkeys(workspace for _, workspace in listed)
    _write(folder / "workspaces.yaml", (_WORKSPACE.format(workspace=w) for w in names))
    size = -(-count // FILES)
    for file, begin in enumerate(range(0, count, size)):
        _write(folder / f"keys-{file:03d}.yaml", texts[begin : begin + size])


def configured(
    folder: Path,
    *,
    config: str = AGE_AND_SQLITE,
    more: Mapping[str, str] | None = None,
    wish: Sequence[str] = (),
) -> dict[str, str]:
    """Run `keyrec init` in a folder, whose keys stand already; the environment of its commands.

    `more`: what is added to that environment. `wish`: options of `init`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keyrec.yaml").write_text(config)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder / ".home"), **(more or {})}
    (folder / ".home").mkdir(exist_ok=True)
    command([KEYREC, "init", *wish], cwd=folder, env=env)
    return env


def key_text(number: int, workspace: str, shape: Shape) -> str:
    """Write one key."""
    return _KEY.format(
        number=number,
        workspace=workspace,
        description=shape.description,
        octet=number % 256,
        group=number % 65536,
        generation=shape.generation,
    )


def _workspaces(count: int) -> Iterator[tuple[str, range]]:
    for begin in range(0, count, TO_A_WORKSPACE):
        numbers = range(begin, min(begin + TO_A_WORKSPACE, count))
        yield f"ws{begin // TO_A_WORKSPACE:04d}", numbers


def _write(path: Path, documents: Iterable[str]) -> None:
    path.write_text("---\n".join(documents))
