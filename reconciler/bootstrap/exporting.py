"""Manifests from the store: whose keys are asked for, and files that are written only once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.errors import ManifestsInvalid, NotFound, UsageError
from reconciler.manifest.judging import problems_alone
from reconciler.manifest.printed import key_file, resource_files
from reconciler.model.keys import KeyRecord
from reconciler.model.resources import Body, ResourceKind
from reconciler.model.source import counted
from reconciler.model.states import ObservedState
from reconciler.planning.selection import Selection
from reconciler.ports import KeyStore, ManifestFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Whose keys are meant."""

    managers: frozenset[str | None] | None = None
    """None in it stands for nobody's keys; None for it means everybody's."""

    def cover(self, manager: str | None) -> bool:
        """Whether that manager's are meant."""
        return self.managers is None or manager in self.managers


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWish:
    """What is to be exported."""

    owners: Owners
    selection: Selection = field(default_factory=Selection)
    with_resources: bool = False


def exported(store: KeyStore, manager: str, wish: ExportWish) -> tuple[ManifestFile, ...]:
    """Give the manifests of what was asked for, resources first, keys by address.

    Raises:
        NotFound: the store holds nothing of it.
        ManifestsInvalid: something in the store is what no manifest can say.
    """
    observed = _observed(store, manager, wish)
    resources = _bodies(observed, wish) if wish.with_resources else {}
    records = sorted(_records(observed, wish), key=lambda record: record.address)
    files = (*resource_files(resources), *(key_file(record, observed) for record in records))
    if not files:
        raise NotFound("The store holds nothing of this to export.", advice="See keyrec status.")
    return readable(files)


def readable(files: tuple[ManifestFile, ...]) -> tuple[ManifestFile, ...]:
    """Give the files as they are.

    Raises:
        ManifestsInvalid: keyrec itself would refuse one of them.
    """
    problems = problems_alone(files)
    if problems:
        raise ManifestsInvalid(
            f"{counted(problems)}: the store holds what no manifest can say; nothing was written",
            problems=problems,
            advice="leave these out with --exclude, or mend them in the store",
        )
    return files


def write_new(files: Sequence[ManifestFile], folder: Path) -> Iterator[Path]:
    """Write files into a folder, none over another; give their paths.

    Raises:
        UsageError: one of them is there already (nothing was written), or cannot be written.
    """
    there = [file.path for file in files if (folder / file.path).exists()]
    if there:
        rest = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise UsageError(
            f"{folder / there[0]} is there already{rest}.",
            advice="Nothing is written over; name another folder with --out.",
        )
    for file in files:
        path = folder / file.path
        write_once(path, file.content)
        yield path


def write_once(path: Path, content: bytes) -> None:
    """Write a new file, with the folders on the way to it.

    Raises:
        UsageError: it is there already, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as opened:
            opened.write(content)
    except FileExistsError:
        raise UsageError(
            f"{path} is there already.", advice="Nothing is written over; name another with --out."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", advice="Check --out."
        ) from None


def _observed(store: KeyStore, manager: str, wish: ExportWish) -> ObservedState:
    """Read the store, with the records of others that are meant."""
    observed = store.observe(manager)
    wanted = frozenset(
        foreign.address
        for foreign in observed.foreign
        if wish.owners.cover(foreign.manager) and wish.selection.covers(str(foreign.address))
    )
    return store.observe(manager, whole=wanted) if wanted else observed


def _records(observed: ObservedState, wish: ExportWish) -> Iterator[KeyRecord]:
    """Give the live records that are meant; removed keys have none."""
    if wish.owners.cover(observed.manager):
        live = observed.live.values()
        yield from (r for r in live if wish.selection.covers(str(r.address)))
    yield from (f.record for f in observed.foreign if f.record is not None)


def _bodies(observed: ObservedState, wish: ExportWish) -> dict[ResourceKind, list[Body]]:
    found: defaultdict[ResourceKind, list[Body]] = defaultdict(list)
    for resource in observed.resources:
        address = resource.address
        if wish.owners.cover(resource.manager) and wish.selection.covers(str(address)):
            found[address.kind].append(resource.body)
    return found
