"""A source of manifests that is asked once, whoever asks."""

from __future__ import annotations

from functools import cached_property

from reconciler.model.states import Revision
from reconciler.ports import ManifestFile, ManifestSource


class ReadOnce:
    """Gives what a source gave the first time. Errors are the source's."""

    def __init__(self, source: ManifestSource) -> None:
        """Take the source."""
        self._source = source

    def files(self) -> tuple[ManifestFile, ...]:
        """Give all manifest files, sorted by path."""
        return self._files

    def revision(self) -> Revision:
        """Say which revision they are."""
        return self._source.revision()

    def content_id(self) -> str | None:
        """Give a text that names all files and their bytes without reading them."""
        return self._source.content_id()

    @cached_property
    def _files(self) -> tuple[ManifestFile, ...]:
        return tuple(self._source.files())
