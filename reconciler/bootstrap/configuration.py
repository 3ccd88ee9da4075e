"""Finding and reading `keyrec.yaml`. What its fields mean is the matter of `reconciler.config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.config import (
    CONFIG_VARIABLE,
    Settings,
    config_file,
    environment,
    settings_from,
)
from reconciler.errors import ConfigInvalid
from reconciler.manifest.reading import read_file
from reconciler.ports import ManifestFile

MANAGER_VARIABLE = "KEYREC_MANAGER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Settings, and the file that they came from."""

    path: Path
    """As it was named; it need not exist where the environment says everything."""
    settings: Settings

    @property
    def root(self) -> Path:
        """Give the folder that relative paths of the file belong to."""
        return Path(self.settings.root)


def configuration_path(flag: str | None) -> Path:
    """Give the path that --config, KEYREC_CONFIG or the default name."""
    return Path(config_file(environment(), flag))


def require_named(flag: str | None) -> None:
    """Return unless a file is named that is not there: where none is named, none is needed.

    Raises:
        ConfigInvalid: what --config or KEYREC_CONFIG names is missing.
    """
    path = configuration_path(flag)
    is_named = bool(flag or environment().get(CONFIG_VARIABLE))
    if is_named and not path.exists():
        raise ConfigInvalid(
            f"There is no {path} here.",
            advice="Correct --config or KEYREC_CONFIG: without its file everything would be "
            "answered by defaults.",
        )


def find_configuration(flag: str | None, *, manager: str | None = None) -> Configuration:
    """Read the configuration that --config, KEYREC_CONFIG or the default name.

    `manager` stands in where nothing names one: what is offline needs none.

    Raises:
        ConfigInvalid: it is missing or cannot be used.
    """
    path = configuration_path(flag)
    document = _document(path)
    environ = environment()
    if document is None and manager is None and not environ.get(MANAGER_VARIABLE):
        raise ConfigInvalid(
            f"There is no {path} here.",
            advice="`keyrec init` makes one; -C DIR or --config FILE finds one elsewhere.",
        )
    overrides = {}
    if manager is not None and not environ.get(MANAGER_VARIABLE):
        named = document is not None and "manager" in document
        overrides = {} if named else {"manager": manager}
    root = str(path.absolute().parent)
    settings = settings_from(document, environ=environ, root=root, overrides=overrides)
    return Configuration(path=path, settings=settings)


def _document(path: Path) -> Mapping[str, Any] | None:
    """Give the decoded file; None where there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigInvalid(
            f"{path} cannot be read: {error.strerror}.", advice="Check its rights, or --config."
        ) from None
    reading = read_file(ManifestFile(path=path.as_posix(), content=content))
    if reading.problems:
        lines = "\n".join(f"  {p.where}: {p.message}; {p.advice}" for p in reading.problems)
        raise ConfigInvalid(f"{path} cannot be read:\n{lines}", advice="Correct these lines.")
    trees = [document.tree for document in reading.documents]
    if len(trees) != 1 or not isinstance(trees[0], Mapping):
        raise ConfigInvalid(
            f"{path} holds {len(trees)} documents; it has to be one mapping of kind Config.",
            advice="Start it with apiVersion: keyrec/v1 and kind: Config.",
        )
    return trees[0]
