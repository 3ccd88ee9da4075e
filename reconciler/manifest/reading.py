"""Bytes to documents: strict YAML, with every refusal at file:line:column.

One parser and one meaning: PyYAML's C parser, or its Python twin where libyaml is missing. What a
document means is not decided here (`schema`), nor how documents fit together (`rules`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import yaml

from reconciler.manifest.codes import Code
from reconciler.manifest.events import DocumentBuilder, EventParser, TooDeep
from reconciler.manifest.files import LARGEST_FILE
from reconciler.manifest.plain_events import Unusual, read_plain
from reconciler.manifest.secret_text import REDACTED, find_tokens, looks_secret
from reconciler.manifest.snippets import (
    UNPRINTABLE,
    line_of,
    position,
    printable,
    problem,
)
from reconciler.manifest.tree import Document, Mark
from reconciler.model.source import Problem, SourceRef
from reconciler.ports import ManifestFile

ParserFactory = Callable[[str], EventParser]

_NO_YAML = (yaml.YAMLError, ValueError)
"""What parsers raise; the one in Python lets `int` and `chr` refuse a number that is too large."""


def _parser() -> ParserFactory:
    r"""Give the C parser, or the one in Python: eight times slower, alike but for odd texts.

    libyaml takes some tabs that its twin refuses, and refuses `"\ud83d"`, which the twin reads.
    """
    if yaml.__with_libyaml__:
        # the bare parser; the stubs name only the loaders built on it
        return cast("ParserFactory", vars(yaml.cyaml)["CParser"])
    return yaml.SafeLoader


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """What one file holds: its documents, and all that is refused before any schema."""

    text: str
    documents: tuple[Document, ...] = ()
    """Documents that are not empty; those with refused parts are there without these parts."""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A file whose bytes are no text that could be read."""

    problem: Problem


def read_file(file: ManifestFile, parser: ParserFactory | None = None) -> FileReading:
    """Read one file of any number of documents; never raises, whatever the bytes."""
    text = _decode(file)
    if isinstance(text, Unread):
        return FileReading(text="", problems=(text.problem,))
    problems: list[Problem] = list(_token_problems(file.path, text))
    parse = parser or _parser()
    with suppress(Unusual, *_NO_YAML):
        plain = read_plain(file.path, parse(text))
        return FileReading(text=text, documents=tuple(plain), problems=tuple(problems))
    return _read_closely(file.path, text, parse, problems)


def _read_closely(
    path: str, text: str, parse: ParserFactory, problems: list[Problem]
) -> FileReading:
    """Read a file in which something is unusual: whatever may not be there is refused."""

    def refuse(mark: Mark, code: Code, message: str, advice: str) -> None:
        where = SourceRef(file=path, line=mark.line + 1, column=mark.column + 1)
        snippet = line_of(text, where.line)
        problems.append(
            problem(where=where, code=code, message=message, advice=advice, snippet=snippet)
        )

    builder = DocumentBuilder(path, refuse)
    try:
        builder.run(parse(text))
    except TooDeep:
        pass
    except _NO_YAML as error:
        problems.append(_syntax_problem(path, text, error))
    return FileReading(text=text, documents=tuple(builder.documents), problems=tuple(problems))


def _decode(file: ManifestFile) -> str | Unread:
    """Give the file's text without a byte order mark, or why it is none."""
    start = SourceRef(file=file.path, line=1, column=1)
    if len(file.content) > LARGEST_FILE:
        return _unread(start, Code.TOO_LARGE, "a manifest file holds at most 1 MiB", "split it")
    try:
        text = file.content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = file.content[: error.start].decode("utf-8")
        line, column = position(before, len(before))
        where = SourceRef(file=file.path, line=line, column=column)
        return _unread(where, Code.NOT_UTF8, "this is not UTF-8", "save the file as UTF-8")
    text = text.removeprefix("\ufeff")
    bad = UNPRINTABLE.search(text)
    if bad is None:
        return text
    line, column = position(text, bad.start())
    return _unread(
        SourceRef(file=file.path, line=line, column=column),
        Code.UNPRINTABLE,
        f"the character U+{ord(bad[0]):04X} cannot be seen",
        "take it out",
        line_of(text, line),
    )


def _unread(where: SourceRef, code: Code, message: str, advice: str, snippet: str = "") -> Unread:
    return Unread(
        problem=problem(where=where, code=code, message=message, advice=advice, snippet=snippet)
    )


def _token_problems(path: str, text: str) -> tuple[Problem, ...]:
    """Refuse a file with a key of ours in it, in a comment too: it would stay in git for ever."""
    return tuple(_token_problem(path, text, found.start()) for found in find_tokens(text))


def _token_problem(path: str, text: str, offset: int) -> Problem:
    is_identity = text.startswith("AGE-", offset)
    line, column = position(text, offset)
    before = text[offset - column + 1 : offset]
    return problem(
        where=SourceRef(file=path, line=line, column=column),
        code=Code.SECRET_LIKE,
        message=f"this looks like {'an age identity' if is_identity else 'an API key'}",
        advice="take it out and replace it, for it is no secret any more: "
        + ("make another identity" if is_identity else "keyrec rotate NAME --leaked"),
        snippet="" if looks_secret(before) else f"{printable(before)}{REDACTED}",
    )


_MENDS = (
    ("tab", "indent with spaces, never with tabs"),
    ("cannot start any token", "indent with spaces, and quote a text that starts with @, ` or %"),
    (
        "mapping values are not allowed",
        "quote a value that holds a colon and a space, or mend the columns of the keys",
    ),
    ("expected key", "let all keys of one mapping start in the same column"),
    ("block end", "let all keys of one mapping start in the same column"),
    ("could not find expected ':'", "write a colon and a space after the key"),
    ("end of stream", "close the quote or the bracket that was opened"),
    ("',' or", "close the bracket that was opened, with commas between its items"),
)


def _syntax_problem(path: str, text: str, error: Exception) -> Problem:
    """Say where YAML ends to be YAML. The parser's own sentence may quote text: it is chosen."""
    mark = getattr(error, "problem_mark", None)
    said = str(getattr(error, "problem", None) or "")
    line, column = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
    advice = next((mend for part, mend in _MENDS if part in said), "mend the line or the one above")
    return problem(
        where=SourceRef(file=path, line=line, column=column),
        code=Code.YAML_SYNTAX,
        message="this is not YAML; the file is read up to here",
        advice=advice,
        snippet=line_of(text, line),
    )
