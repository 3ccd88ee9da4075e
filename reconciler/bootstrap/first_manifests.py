"""Which manifests `init` adds: the policy where none is declared, a first key where nothing is.

Manifests that stand are never touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import Configuration
from reconciler.bootstrap.first_files import (
    EXAMPLE_WORKSPACE,
    SCHEMA_FILE,
    key_text,
    policy_text,
    workspace_text,
)
from reconciler.manifest.json_schema import ALL_KINDS, schema_text, schemas
from reconciler.manifest.reading import read_file
from reconciler.model.policy import Policy
from reconciler.model.states import ObservedState
from reconciler.ports import ManifestFile


def first_manifests(
    configuration: Configuration, observed: ObservedState
) -> Iterator[tuple[Path, str]]:
    """Give path and text of every manifest that is to be added."""
    folder = Path(configuration.settings.manifests[0])
    files = _files(configuration)
    ours = [r for r in observed.resources if r.manager == configuration.settings.manager]
    policy = next((r.body for r in ours if isinstance(r.body, Policy)), None)
    if policy is not None and not any(_declares_policy(file) for file in files):
        yield folder / "policy.yaml", policy_text(policy)
    if files or observed.records or EXAMPLE_WORKSPACE in observed.workspaces:
        return
    schema = configuration.root / SCHEMA_FILE
    if not schema.exists():
        yield schema, schema_text(schemas()[ALL_KINDS])
    place = folder / EXAMPLE_WORKSPACE
    way = Path(os.path.relpath(schema, place)).as_posix()
    yield place / "workspace.yaml", workspace_text(way)
    yield place / "hello-dev.yaml", key_text(way)


def _files(configuration: Configuration) -> tuple[ManifestFile, ...]:
    """Give all manifests; none where there is no folder yet."""
    if not any(Path(place).exists() for place in configuration.settings.manifests):
        return ()
    return tuple(doors.open_source(configuration.settings).files())


def _declares_policy(file: ManifestFile) -> bool:
    trees = (document.tree for document in read_file(file).documents)
    return any(isinstance(tree, dict) and tree.get("kind") == "Policy" for tree in trees)
