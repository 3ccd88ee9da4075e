"""What needs neither store nor sink: checking manifests."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.bootstrap import doors
from reconciler.bootstrap.configuration import find_configuration
from reconciler.manifest.aids import Aids
from reconciler.manifest.desired import read_desired
from reconciler.model.source import Problem

OFFLINE_MANAGER = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at, and what is wrong with it."""

    files: int
    documents: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def sentence(self) -> str:
        """Say how much is valid."""
        documents = "1 document" if self.documents == 1 else f"{self.documents} documents"
        files = "1 file" if self.files == 1 else f"{self.files} files"
        verb = "is" if self.documents == 1 else "are"
        return f"{documents} in {files} {verb} valid."


def validate(config: str | None, paths: tuple[str, ...]) -> Checked:
    """Check these files and folders, or the configured ones.

    Raises:
        SourceUnavailable: one of them cannot be read.
    """
    settings = find_configuration(config, manager=OFFLINE_MANAGER).settings
    if paths:
        named = tuple(str(Path(path).absolute()) for path in paths)
        settings = replace(settings, root=_shared_root(named), manifests=named)
    files = tuple(doors.open_source(settings).files())
    aids = Aids(sharing=doors.second_process())
    desired = read_desired(files, manager=settings.manager, aids=aids)
    if isinstance(desired, tuple):
        return Checked(files=len(files), problems=desired)
    documents = len(desired.keys) + len(desired.removals) + len(desired.resources)
    return Checked(files=len(files), documents=documents)


def _shared_root(paths: tuple[str, ...]) -> str:
    """Give the folder that paths are shown from: the working directory, or what they share."""
    here = str(Path.cwd())
    shared = os.path.commonpath([here, *paths])
    return here if shared == here else os.path.commonpath([str(Path(p).parent) for p in paths])
