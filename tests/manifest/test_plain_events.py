"""The short way through plain YAML gives what the long way gives, or leaves the file to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.manifest import reading
from reconciler.manifest.events import DocumentBuilder, EventParser, TooDeep
from reconciler.manifest.plain_events import Unusual, read_plain
from reconciler.manifest.reading import FileReading, ParserFactory, read_file
from reconciler.manifest.tree import Document, place
from reconciler.ports import ManifestFile
from tests.manifest.manifests import DRAWN, HEAD, TOKEN, file
from tests.manifest.odd_yaml import damaged, odd_texts, plain_texts
from tests.strategies import repositories, text_of

C_PARSER: ParserFactory = vars(yaml.cyaml)["CParser"]
PARSERS: dict[str, ParserFactory] = {"c": C_PARSER, "python": yaml.SafeLoader}
EITHER = st.sampled_from([*PARSERS.values()])
MANY = settings(max_examples=150, deadline=None)


def places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give every path of a tree, in the order of the text."""
    yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from places(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from places(value, (*path, index))


def at(tree: Any, path: tuple[str | int, ...]) -> Any:
    """Give what stands at a path."""
    for step in path:
        tree = tree[step]
    return tree


def seen(document: Document) -> list[Any]:
    """Give all that anybody can ask of a document: values with their types, and positions."""
    spots = [
        (
            path,
            type(at(document.tree, path)).__name__,
            repr(at(document.tree, path)),
            place(document, path, at_key=False),
            place(document, path, at_key=True),
            place(document, (*path, "absent"), at_key=False),
        )
        for path in places(document.tree)
    ]
    span = (document.file, document.ordinal, document.line, document.column, document.end_line)
    return [span, *spots]


def short_way(text: str, parser: ParserFactory) -> list[Document] | None:
    """Read a text the short way; None where it is left to the long one."""
    with suppress(Unusual, yaml.YAMLError, ValueError):
        return read_plain("keys/a.yaml", parser(text))
    return None


def long_way(text: str, parser: ParserFactory) -> tuple[list[Document], list[str]]:
    """Read a text the long way: its documents, and what is refused in it."""
    codes: list[str] = []
    builder = DocumentBuilder("keys/a.yaml", lambda _mark, code, *_words: codes.append(code))
    with suppress(TooDeep):
        builder.run(parser(text))
    return builder.documents, codes


def read_closely(content: ManifestFile, parser: ParserFactory) -> FileReading:
    """Read a file as `read_file` does, the long way alone."""
    text = reading._decode(content)
    if not isinstance(text, str):
        return FileReading(text="", problems=(text.problem,))
    problems = list(reading._token_problems(content.path, text))
    return reading._read_closely(content.path, text, parser, problems)


def shown(found: FileReading) -> tuple[Any, ...]:
    """Give all that a reading holds, comparable."""
    return found.text, [seen(d) for d in found.documents], found.problems


@MANY
@given(st.one_of(plain_texts(), odd_texts()), EITHER)
@example("a: |\n  b\n\n\n---\nc: >\n  d\n", C_PARSER)
@example("a: b\n\n# c\n---\n- d\n# e\n...\n", C_PARSER)
@example("[" * 20 + "]" * 20, C_PARSER)
@example("- - - a\n  -\n    - {b: [c,\n d]}\n...\n# e\n", C_PARSER)
@example("{}\n---\n[]\n--- a\n--- ''\n---\nnull\n--- |\n x\n", C_PARSER)
@example("'<<': a\n", C_PARSER)
@example("a: b\r\nc:\r\n- d\r\n", C_PARSER)
@example("a: é\u2028b: c\n", C_PARSER)
def test_both_ways_give_the_same_documents(text: str, parser: ParserFactory) -> None:
    """Equal trees, equal positions of every path, equal spans."""
    short = short_way(text, parser)
    if short is None:
        return
    long, refused = long_way(text, parser)
    assert [seen(d) for d in short] == [seen(d) for d in long]
    assert refused == []


@MANY
@given(st.one_of(plain_texts(), odd_texts()), EITHER)
def test_what_the_long_way_takes_without_a_word_goes_the_short_way(
    text: str, parser: ParserFactory
) -> None:
    """Nothing but what is refused is left to it, and a quoted `<<` for a key."""
    with suppress(yaml.YAMLError):
        _, refused = long_way(text, parser)
        if not refused and "<<" not in text:
            assert short_way(text, parser) is not None


UNUSUAL = (
    *("a: &x 1\n", "a: &x {b: 1}\n", "&x a: 1\n", "- &x a\n", "a: !t 1\n", "a: !!str 1\n"),
    *("!t a: 1\n", "a: !t [b]\n", "a: *x\n", "*x : 1\n", "- *x\n", "*x\n"),
    *("{a: 1, a: 2}\n", "a: 1\nb: 2\na: 3\n", "<<: a\n", "- {<<: {a: 1}}\n"),
    *("a:\n", "a: null\n", "- null\n", "-\n", "a: {b: }\n", "? a\n", "{a}\n"),
    *("? [a]\n: b\n", "? {a: b}\n: c\n", "{a: b}: c\n", "[" * 21 + "]" * 21),
    *("a: [\n", "a: b: c\n", "a: 'b\n", "a:\n\tb\n", "@a\n"),
)


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
@pytest.mark.parametrize("text", UNUSUAL)
def test_whatever_may_not_be_there_is_left_to_the_long_way(
    parser: ParserFactory, text: str
) -> None:
    """Behind plain documents too; and it is refused there."""
    for whole in (text, f"a: b\n---\n{text}"):
        assert short_way(whole, parser) is None
        assert read_file(file(whole), parser).problems


@MANY
@given(odd_texts(), EITHER)
def test_what_is_unusual_is_read_the_long_way(text: str, parser: ParserFactory) -> None:
    """It is refused with its position there, or it is a quoted `<<` for a key."""
    try:
        read_plain("keys/a.yaml", parser(text))
    except Unusual:
        found = read_file(file(text), parser)
        assert found.problems or "<<" in text
    except yaml.YAMLError:
        assert [p.code for p in read_file(file(text), parser).problems][-1] == "yaml-syntax"


def as_files(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """Give texts as bytes, whole and damaged."""
    return st.one_of(texts.map(str.encode), damaged(texts))


@MANY
@given(st.one_of(as_files(odd_texts()), as_files(repositories().map(text_of)), st.binary()), EITHER)
@example(b"\xef\xbb\xbfa: b\n", C_PARSER)
@example(b'a: "\\U00110000"\n', yaml.SafeLoader)
@example(b'a: "\\ud800"\n', yaml.SafeLoader)
@example(f"a: b # {TOKEN}\nc: {DRAWN}\nd: &x 1\n".encode(), C_PARSER)
def test_a_file_reads_as_the_long_way_alone_reads_it(content: bytes, parser: ParserFactory) -> None:
    """Whatever the bytes: the same text, documents, positions and problems."""
    assert shown(read_file(file(content), parser)) == shown(read_closely(file(content), parser))


@MANY
@given(as_files(repositories().map(text_of)))
def test_both_parsers_read_manifests_alike(content: bytes) -> None:
    """Without libyaml the documents are the same, and nothing is read that it refuses."""
    with_libyaml, without = (read_file(file(content), parser) for parser in PARSERS.values())
    if not with_libyaml.problems and not without.problems:
        assert [d.tree for d in with_libyaml.documents] == [d.tree for d in without.documents]


@pytest.mark.parametrize(("text", "reader"), [("a:\tb\n", "c"), ('a: "\\ud83d"\n', "python")])
def test_of_odd_texts_one_parser_reads_what_the_other_refuses(text: str, reader: str) -> None:
    """Tabs between words, and halves of characters."""
    refused = {name for name, parser in PARSERS.items() if short_way(text, parser) is None}
    assert refused == {*PARSERS} - {reader}


class Counted:
    """A parser whose texts are counted."""

    def __init__(self, parser: ParserFactory) -> None:
        self._parser = parser
        self.texts: Counter[str] = Counter()

    def __call__(self, text: str) -> EventParser:
        """Parse a text, and note it."""
        self.texts[text] += 1
        return self._parser(text)


@pytest.mark.parametrize(("text", "times"), [(HEAD, 1), (HEAD + "  a: &x 1\n", 2), ("a: [", 2)])
def test_a_plain_file_is_parsed_once(text: str, times: int) -> None:
    """Only what is unusual, or no YAML, costs a second look."""
    counted = Counted(C_PARSER)
    read_file(file(text), counted)
    assert counted.texts == {text: times}


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
@pytest.mark.parametrize("escaped", [r'"\U00110000"', "%YAML " + "9" * 5000 + ".1\n---\na"])
def test_what_is_no_character_and_no_number_is_no_yaml(parser: ParserFactory, escaped: str) -> None:
    """Neither parser gets further than one problem."""
    found = read_file(file(escaped), parser)
    assert [p.code for p in found.problems] == ["yaml-syntax"]
    assert found.documents == ()
