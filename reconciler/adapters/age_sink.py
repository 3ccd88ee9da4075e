"""Secrets as age files in a folder: `SecretSink` for a laptop, a repository, a shared disk.

A secret at the path `payments/prod/x` is `payments/prod/x.age`: the complete key and a newline,
encrypted to the policy's recipients. keyrec holds no identity, so it can never read one back. Steps
and names of files are the matter of `age_files`; what errors mean, of `age_errors`.

Compatibility: `.keyrec-sink` holds the sink's id; `_keyrec/anchor.json` the audit anchor, plain.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.adapters.age_disk import FOLDER_MODE, Disk
from reconciler.adapters.age_errors import translated
from reconciler.adapters.age_files import NumberedFiles
from reconciler.adapters.age_folders import existing_folder, lock_folder, locked_folder
from reconciler.adapters.age_identity import checked_recipients, sealed
from reconciler.adapters.age_preflight import preflight_of
from reconciler.errors import SinkMisconfigured
from reconciler.model.custody import custody_of
from reconciler.model.policy import SinkKind
from reconciler.model.sink_path import RESERVED_PREFIX, path_fault
from reconciler.ports import CheckAndSetRefused, CheckResult, PathSeen, SecretPayload

ID_FILE = ".keyrec-sink"
_SUFFIX = ".age"
_ANCHOR = f"{RESERVED_PREFIX}/anchor"
_ID = re.compile(r"[0-9a-f-]{36}", re.ASCII)


class AgeSink:
    """`SecretSink` over a folder; may be used from many threads and processes at once."""

    kind = SinkKind.AGE

    def __init__(
        self, directory: Path, *, recipients: Sequence[str], disk: Disk | None = None
    ) -> None:
        """`recipients`: the policy's; everybody who shall be able to read what is written now.

        Raises:
            SinkMisconfigured: there is none, or one is not understood.
        """
        self._directory = directory
        self._recipients = checked_recipients(recipients)
        self._disk = disk or Disk()
        self.custody = custody_of(recipients)

    def prepare(self, identifier: str) -> bool:
        """Make the folder and give it `identifier` as its id; whether it had none before.

        Raises:
            SinkUnavailable, SinkDenied, SinkMisconfigured: it cannot be made.
        """
        with translated(ID_FILE):
            self._directory.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            with locked_folder(self._directory, (), self._disk) as folder:
                if _read(folder, ID_FILE) is not None:
                    return False
                new = f"{ID_FILE}.new"
                self._disk.remove(folder, new)
                self._disk.fill(folder, new, f"{identifier}\n".encode())
                self._disk.rename(folder, new, ID_FILE)
                self._disk.settle(folder)
        return True

    def identity(self) -> str:
        """Give `age:` and the id that `prepare` left in the folder."""
        with translated(ID_FILE), existing_folder(self._directory, ()) as folder:
            text = None if folder is None else _read(folder, ID_FILE)
        if text is None or _ID.fullmatch(text.strip()) is None:
            raise SinkMisconfigured(
                f"The age folder holds no id (the file {ID_FILE}).",
                advice="Run `keyrec init`, or correct sink.age.directory: without its id a folder "
                "cannot be told from another one.",
            )
        return f"age:{text.strip()}"

    def preflight(self) -> tuple[CheckResult, ...]:
        """Look at the folder, its id and its rights; nothing is written."""
        return preflight_of(self._directory, self._recipients, self.identity)

    def write(
        self, path: str, payload: SecretPayload, *, expected: int
    ) -> int | CheckAndSetRefused:
        """Encrypt and add a version where the latest is `expected`."""
        content = sealed(payload.api_key, self._recipients)
        if content is None:
            raise SinkMisconfigured(
                "The secret cannot be encrypted to this set of recipients.",
                advice="Check the recipients in the Policy's sink.",
            )
        with self._opened(path, _checked(path)) as files:
            version = files.put(content, expected=expected)
        return CheckAndSetRefused() if version is None else version

    def observe(self, path: str) -> PathSeen:
        """Give the version; the value cannot be read by keyrec."""
        *folders, name = _checked(path)
        with translated(path), existing_folder(self._directory, folders) as folder:
            if folder is None:
                return PathSeen(version=0, content=None)
            files = self._files(folder, name)
            version = files.version()
            is_gone = version > 0 and not files.is_there(version)
        return PathSeen(version=version, content=None, is_gone=is_gone)

    def destroy(self, path: str, versions: Sequence[int]) -> None:
        """Remove these versions' files; the pointer and with it the count stay."""
        *folders, name = _checked(path)
        with translated(path):
            with existing_folder(self._directory, folders) as folder:
                if folder is None:
                    return
            with self._opened(path, (*folders, name)) as files:
                files.drop(versions)

    def read_anchor(self) -> tuple[int, str]:
        """Give version and text of `_keyrec/anchor.json`."""
        with translated(_ANCHOR), existing_folder(self._directory, [RESERVED_PREFIX]) as folder:
            if folder is None:
                return 0, ""
            lock_folder(folder, fcntl.LOCK_SH)
            version = self._files(folder, "anchor", ".json").version()
            return version, _read(folder, f"anchor.{version}.json") or ""

    def write_anchor(self, text: str, *, expected: int) -> int | CheckAndSetRefused:
        """Write the anchor by check-and-set; only the latest is kept."""
        segments = (RESERVED_PREFIX, "anchor")
        with self._opened(_ANCHOR, segments, suffix=".json") as files:
            version = files.put(text.encode(), expected=expected)
            if version is None:
                return CheckAndSetRefused()
            with contextlib.suppress(OSError):
                files.drop([expected])
        return version

    def close(self) -> None:
        """Nothing is kept open between calls."""

    @contextlib.contextmanager
    def _opened(
        self, path: str, segments: Sequence[str], *, suffix: str = _SUFFIX
    ) -> Iterator[NumberedFiles]:
        *folders, name = segments
        with translated(path), locked_folder(self._directory, folders, self._disk) as folder:
            yield self._files(folder, name, suffix)

    def _files(self, folder: int, name: str, suffix: str = _SUFFIX) -> NumberedFiles:
        return NumberedFiles(disk=self._disk, folder=folder, stem=name, suffix=suffix)


def _checked(path: str) -> tuple[str, ...]:
    """Give the segments of a path that cannot be taken for another path's files."""
    segments = tuple(path.split("/"))
    fault = path_fault(path)
    if fault is None and re.search(r"\.[0-9]+$", segments[-1], re.ASCII):
        fault = "the last segment ends like a version number of another path"
    if fault is None and any(s.endswith(_SUFFIX) for s in segments):
        fault = "segments must not end with .age, as the files themselves do"
    if fault is not None:
        raise SinkMisconfigured(
            f"The path {path!r} cannot be used in an age folder: {fault}.",
            advice="Choose another spec.secret.path.",
        )
    return segments


def _read(folder: int, name: str) -> str | None:
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode(errors="replace")
