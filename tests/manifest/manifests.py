"""Manifests for tests: one good key to start from, and ways to read texts."""

from __future__ import annotations

from reconciler.manifest.assembly import Known
from reconciler.manifest.desired import read_desired
from reconciler.model.scopes import BUILT_IN_CATALOG
from reconciler.model.source import Problem
from reconciler.model.states import DesiredState
from reconciler.model.workspaces import NetworkSet, Workspace
from reconciler.ports import ManifestFile

HEAD = """\
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: billing-sync-prod
  workspace: payments
spec:
  environment: prod
"""
"""Seven lines; what a test adds starts at line 8, below spec."""

TOKEN = "krk_prod_0a1B2c3D4e5F_" + "Zx9" * 16 + "Q"
"""Of the form of a key, with a wrong checksum."""

IDENTITY = "AGE-SECRET-" + "KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQS3Z5W7K"
"""Of the form of an age identity; the repository holds none, not even this one."""

DRAWN = "Zk3QpX91mTrv8LbYw2NcD7sHf5Jg"
"""A word that looks drawn by chance."""

STORE = Known(
    workspaces={"payments": Workspace(name="payments"), "search": Workspace(name="search")},
    networks=(
        NetworkSet(name="ci-runners", ranges=("198.51.100.0/24",)),
        NetworkSet(name="office", workspace="search", ranges=("192.0.2.0/24",)),
    ),
    catalog=BUILT_IN_CATALOG,
)
"""A store with two workspaces, a network for all and one of the workspace search."""


def file(content: str | bytes, path: str = "keys/a.yaml") -> ManifestFile:
    """Make one file."""
    return ManifestFile(
        path=path, content=content if isinstance(content, bytes) else content.encode()
    )


def desired(*files: ManifestFile | str, known: Known | None = None) -> DesiredState:
    """Read files that have to be right."""
    result = read_desired(_files(files), manager="tests", known=known)
    assert isinstance(result, DesiredState), result
    return result


def refused(*files: ManifestFile | str | bytes, known: Known | None = None) -> tuple[Problem, ...]:
    """Read files that have to be wrong."""
    result = read_desired(_files(files), manager="tests", known=known)
    assert isinstance(result, tuple)
    return result


def _files(files: tuple[ManifestFile | str | bytes, ...]) -> list[ManifestFile]:
    return [
        f if isinstance(f, ManifestFile) else file(f, f"keys/{'abcdef'[i]}.yaml")
        for i, f in enumerate(files)
    ]
