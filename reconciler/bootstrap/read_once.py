"""A source of manifests that is read once for two who ask: what is remembered, and the plan."""

from __future__ import annotations

from reconciler.model.source import Revision
from reconciler.ports import ManifestFile, ManifestSource


class ReadOnce:
    """Gives what a source gave the first time, once more. Errors are the source's."""

    def __init__(self, source: ManifestSource) -> None:
        """Take the source."""
        self._source = source
        self._kept: tuple[ManifestFile, ...] | None = None

    def files(self) -> tuple[ManifestFile, ...]:
        """Give all manifest files, sorted by path. The second time they are let go: of very many,
        the bytes are no small part of what a plan holds.
        """
        if self._kept is None:
            self._kept = tuple(self._source.files())
            return self._kept
        kept, self._kept = self._kept, None
        return kept

    def revision(self) -> Revision:
        """Say which revision they are."""
        return self._source.revision()

    def content_id(self) -> str | None:
        """Give a text that names all files and their bytes without reading them."""
        return self._source.content_id()
