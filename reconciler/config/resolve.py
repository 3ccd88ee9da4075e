"""Which value counts: flag before environment variable before file before default.

Relative paths of the file and of the defaults are joined to the file's folder; those of flags and
variables belong to the working directory, as everywhere. All problems are reported in one error,
each with the dotted path or the variable's name, none with the refused value.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from reconciler.config.assemble import assembled
from reconciler.config.credential_files import refused_credentials
from reconciler.config.document import ConfigDocument, holds_password
from reconciler.config.serving_sections import refused_serving
from reconciler.config.settings import Settings
from reconciler.config.variables import CONFIG_VARIABLE, PLACES, VARIABLES, first_set
from reconciler.errors import ConfigInvalid

DEFAULT_FILE = "keyrec.yaml"
_HEAD = {"apiVersion": "keyrec/v1", "kind": "Config"}
_DEFAULTS: dict[str, Any] = {
    "manifests": ["keys"],
    "token.prefix": "krk",
    "store.url": "sqlite:///.keyrec/keys.db",
    "sink.age.directory": ".keyrec/secrets",
    "sink.vault.maxRetries": 2,
}
_NEVER_WITH_PASSWORD = {
    "store.url": "set KEYREC_STORE_URL, or keep the password in PGPASSFILE",
    "sink.vault.proxyAddress": "set VAULT_PROXY_ADDR",
}


def environment() -> Mapping[str, str]:
    """Give the process environment; nothing else in keyrec reads it."""
    return os.environ


def config_file(environ: Mapping[str, str], flag: str | None = None) -> str:
    """Give the path of the configuration file: the flag's, KEYREC_CONFIG's, or keyrec.yaml."""
    return flag or environ.get(CONFIG_VARIABLE) or DEFAULT_FILE


def settings_from(
    document: Mapping[str, Any] | None,
    *,
    environ: Mapping[str, str],
    root: str,
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """Put settings together.

    `document` is the decoded file, None where there is none; `root` is its folder; `overrides`
    holds what flags say, by dotted path such as `store.url`.

    Raises:
        ConfigInvalid: with every problem, one a line.
    """
    problems: list[str] = []
    places = _Places(root=root, home=environ.get("HOME", ""))
    written = _file_values(document, problems)
    chosen = {path: places.joined(path, value) for path, value in (_DEFAULTS | written).items()}
    problems += refused_credentials({path: chosen[path] for path in written})
    elsewhere = _named_values(_environment_values(environ), problems)
    elsewhere |= _named_values(_override_values(overrides or {}), problems)
    problems += refused_serving(chosen | elsewhere)
    if "manager" not in chosen | elsewhere and not problems:
        problems.append(
            "manager: is not set; it marks what this repository owns in the store, so it has no "
            "default"
        )
    if problems:
        raise ConfigInvalid(
            "The configuration cannot be used:\n" + "\n".join(f"  {p}" for p in problems),
            advice="Correct keyrec.yaml or the variable; `keyrec init` writes a first keyrec.yaml.",
        )
    return assembled(chosen | elsewhere, environ, root, frozenset(written) - frozenset(elsewhere))


def _file_values(document: Mapping[str, Any] | None, problems: list[str]) -> dict[str, Any]:
    if document is None:
        return {}
    written = dict(_flat(document))
    for path, advice in _NEVER_WITH_PASSWORD.items():
        if holds_password(str(written.get(path, ""))):
            problems.append(f"{path}: holds a password, which a file in git must not; {advice}")
    return _validated(document, problems, lambda path: path)


def _environment_values(environ: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    for variable in VARIABLES:
        found = first_set(environ, variable.names)
        if found is not None:
            name, text = found
            yield variable.path, name, _items(text) if variable.is_list else text


def _override_values(overrides: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    lists = {v.path for v in VARIABLES if v.is_list}
    for path, text in overrides.items():
        yield path, path, _items(text) if path in lists else text


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _named_values(found: Iterator[tuple[str, str, Any]], problems: list[str]) -> dict[str, Any]:
    nested: dict[str, Any] = dict(_HEAD)
    names: dict[str, str] = {}
    for path, name, value in found:
        names[path] = name
        _put(nested, path.split("."), value)
    return _validated(nested, problems, lambda path: _origin(names, path))


def _origin(names: Mapping[str, str], path: str) -> str:
    """Name the variable behind a path, or behind the list that the path is an item of."""
    return names.get(path) or names.get(path.rpartition(".")[0], path)


def _put(nested: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        nested = nested.setdefault(key, {})
    nested[keys[-1]] = value


def _validated(
    document: Mapping[str, Any], problems: list[str], named: Callable[[str], str]
) -> dict[str, Any]:
    try:
        model = ConfigDocument.model_validate(document)
    except ValidationError as error:
        problems.extend(_sentences(error, named))
        return {}
    return dict(_flat(model.model_dump(by_alias=True, exclude_none=True)))


def _sentences(error: ValidationError, named: Callable[[str], str]) -> Iterator[str]:
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        path = ".".join(str(part) for part in fault["loc"])
        words = {"extra_forbidden": "is not a field of Config", "missing": "is missing"}
        message = words.get(fault["type"], fault["msg"].removeprefix("Value error, "))
        yield f"{named(path)}: {message}"


def _flat(nested: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where relative paths of the file begin."""

    root: str
    home: str

    def joined(self, path: str, value: Any) -> Any:
        """Give the value of a setting with its relative paths joined to the root."""
        if path in PLACES:
            return [self._under(v) for v in value] if path == "manifests" else self._under(value)
        scheme, mark, file = value.partition(":///") if path == "store.url" else ("", "", "")
        if scheme.startswith("sqlite") and file and not file.startswith((":", "file:")):
            return f"{scheme}{mark}{self._under(file)}"
        return value

    def _under(self, text: str) -> str:
        below_home = text.startswith("~/") and self.home
        place = posixpath.join(self.home, text[2:]) if below_home else text
        return posixpath.normpath(posixpath.join(self.root, place))
