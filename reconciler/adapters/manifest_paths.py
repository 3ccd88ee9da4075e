"""Which files are manifests, for folders and git trees alike.

The rule that lives here: names end in `.yaml` or `.yml`, nothing below a hidden folder counts,
configured places stay inside of the root, and names that a terminal could not show are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from reconciler.errors import SourceUnavailable

SUFFIXES = (".yaml", ".yml")


def is_manifest(path: str, place: str) -> bool:
    """Whether a file found below a configured place is a manifest.

    A place that is itself a file counts whatever its name; hidden files and folders below a
    place do not.
    """
    if path == place:
        return True
    below = path if place == "." else path.removeprefix(f"{place}/")
    hidden = any(part.startswith(".") for part in below.split("/"))
    return path.endswith(SUFFIXES) and not hidden


def checked_places(places: Sequence[str]) -> tuple[str, ...]:
    """Give the configured places in plain form; none of them leaves the root.

    Raises:
        SourceUnavailable: a place is absolute or climbs out.
    """
    plain = []
    for place in places:
        path = PurePosixPath(place)
        if path.is_absolute() or ".." in path.parts:
            raise SourceUnavailable(
                f"{place} is outside of the folder of keyrec.yaml",
                advice="name folders below it, such as keys",
            )
        plain.append(str(path))
    return tuple(dict.fromkeys(plain))


def checked_name(path: str) -> str:
    """Give a path that can be shown and stored.

    Raises:
        SourceUnavailable: it holds control characters or is not UTF-8.
    """
    if not path.isprintable():
        raise SourceUnavailable(
            f"the file name {path!a} cannot be shown", advice="give the file a plain name"
        )
    return path
