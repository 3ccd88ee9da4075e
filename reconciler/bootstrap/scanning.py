"""Searching for keys where none should be: files, a stream, a git repository.

Offline: opens neither configuration nor store, but where it is asked whose the found keys are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path

from reconciler.bootstrap import doors
from reconciler.credentials.leaks import Leak, Scan, found_version
from reconciler.ports import KeyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTerms:
    """What counts as found."""

    prefix: str | None = None
    excepted: frozenset[str] = frozenset()
    """Version ids of which it is known where they stand."""


def scan_files(
    paths: Iterable[str], terms: ScanTerms, *, stream: BufferedIOBase | None = None
) -> Scan:
    """Search files and folders, and a stream."""
    from reconciler.adapters.scanned_files import FileScan

    doors.harden()
    look = FileScan(prefix=terms.prefix)
    found = [] if stream is None else _wanted(look.stream(stream), terms)
    found += _wanted(look.places(paths), terms)
    leaks = tuple(dict.fromkeys(found))
    return Scan(leaks=leaks, unread=tuple(look.unread), files=look.files)


def scan_history(revisions: str | None, terms: ScanTerms) -> Scan:
    """Search what the commits of a range added; None asks about the next commit, as it is staged.

    Raises:
        UsageError: it is no range.
        SourceUnavailable: no repository, no such revision, or it is not complete here.
    """
    from reconciler.adapters.scanned_git import GitScan

    doors.harden()
    look = GitScan(root=Path.cwd(), prefix=terms.prefix)
    leaks = tuple(_wanted(look.staged() if revisions is None else look.range(revisions), terms))
    return Scan(leaks=leaks, unread=tuple(look.unread), files=look.files, commits=look.commits)


def with_owners(scan: Scan, store: KeyStore) -> Scan:
    """Say of each found version whose it is, and what it still opens."""
    now = store.now()
    versions = (found_version(i, store.presented(i), now) for i in scan.version_ids)
    return replace(scan, versions=tuple(versions))


def _wanted(leaks: Iterable[Leak], terms: ScanTerms) -> list[Leak]:
    return [leak for leak in leaks if leak.token.version_id not in terms.excepted]


def configured_prefix(config: str | None) -> str:
    """Give the prefix of keys by the configuration, or its default where there is none.

    Raises:
        ConfigInvalid: the configuration cannot be used.
    """
    from reconciler.bootstrap.configuration import find_configuration
    from reconciler.bootstrap.offline import OFFLINE_MANAGER

    return find_configuration(config, manager=OFFLINE_MANAGER).settings.token_prefix
