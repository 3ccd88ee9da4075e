"""Reading: which values a text gives, what YAML may not do here, and where everything stands."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.manifest.files import LARGEST_FILE
from reconciler.manifest.reading import FileReading, read_file
from reconciler.manifest.tree import UNREADABLE
from tests.manifest.manifests import DRAWN, HEAD, TOKEN, file

PARSERS = {"c": vars(yaml.cyaml)["CParser"], "python": yaml.SafeLoader}


@pytest.fixture(params=PARSERS, ids=str)
def read(request):
    """Read a text with each of the two parsers."""
    return lambda content: read_file(file(content), PARSERS[request.param])


def trees(reading: FileReading) -> list[Any]:
    """Give what was read."""
    return [document.tree for document in reading.documents]


VALUES = {
    "[no, on, yes, off, y, n]": ["no", "on", "yes", "off", "y", "n"],
    "[true, false]": [True, False],
    "[True, FALSE, TRUE, Null, NULL, ~]": ["True", "FALSE", "TRUE", "Null", "NULL", "~"],
    "[22:22:22, 1:30]": ["22:22:22", "1:30"],
    "[010, 0o10, 0x10, 1_000, +1, 00]": ["010", "0o10", "0x10", "1_000", "+1", "00"],
    "[0, -1, 12, 999999999999999999]": [0, -1, 12, 999999999999999999],
    "[1234567890123456789]": ["1234567890123456789"],
    "[1e3, 0.2, .5, 1., .inf, .nan, -, -0]": ["1e3", "0.2", ".5", "1.", ".inf", ".nan", "-", "-0"],
    "[2027-01-15, 2027-01-15T10:00:00Z]": ["2027-01-15", "2027-01-15T10:00:00Z"],
    "['true', \"12\", 'null', '']": ["true", "12", "null", ""],
    "{true: a, 1: b, 010: c, 'on': d}": {"true": "a", "1": "b", "010": "c", "on": "d"},
    "{'<<': a}": {"<<": "a"},
    "a: |\n  one\n  two\n": {"a": "one\ntwo\n"},
    "a: >-\n  one\n  two\n": {"a": "one two"},
    "? a\n: b\n": {"a": "b"},
    'a: "x\x85y"': {"a": "x y"},
}


@pytest.mark.parametrize(("text", "value"), VALUES.items(), ids=VALUES)
def test_a_scalar_stays_the_text_that_was_written(read, text, value) -> None:
    """Only true, false, null and decimal integers are resolved, and only where they are plain."""
    reading = read(text)
    assert trees(reading) == [value]
    assert reading.problems == ()


EMPTY = [
    "",
    "\n\n",
    "# nothing\n",
    "---\n",
    "---\n---\n",
    "---\n# nothing\n...\n",
    "\ufeff",
    "null",
]


@pytest.mark.parametrize("text", EMPTY, ids=ascii)
def test_a_file_without_content_has_no_documents(read, text) -> None:
    """Empty files, comments and empty documents are fine."""
    reading = read(text)
    assert (reading.documents, reading.problems) == ((), ())


def test_a_byte_order_mark_is_not_part_of_the_first_key(read) -> None:
    """Files that an editor marked as UTF-8 read like all others."""
    assert trees(read("\ufeffa: b")) == [{"a": "b"}]


def test_documents_of_one_file_know_where_they_start_and_end(read) -> None:
    """Positions count from 1, comments and separators belong to no document."""
    reading = read("# first\na: b\nc:\n  - d\n---\n# second\ne: |\n  f\n  g\n---\n{h: [i,\n j]}\n")
    spans = [(d.ordinal, d.line, d.column, d.end_line) for d in reading.documents]
    assert spans == [(0, 2, 1, 4), (1, 7, 1, 9), (2, 11, 1, 12)]


REFUSALS = {
    "a: 1\nb: 2\na: 3\n": [(3, 1, "duplicate-key", {"a": 1, "b": 2})],
    "a: {b: 1, b: 2}\n": [(1, 11, "duplicate-key", {"a": {"b": 1}})],
    "a: &x 1\n": [(1, 4, "anchor", {"a": 1})],
    "a: &x {b: 1}\n": [(1, 4, "anchor", {"a": {"b": 1}})],
    "&x a: 1\n": [(1, 1, "anchor", {"a": 1})],
    "a: *x\n": [(1, 4, "alias", {"a": UNREADABLE})],
    "- *x\n": [(1, 3, "alias", [UNREADABLE])],
    "*x : 1\n": [(1, 1, "key-not-text", {})],
    "a: !!str 1\n": [(1, 4, "tag", {"a": UNREADABLE})],
    "a: !foo [b]\n": [(1, 4, "tag", {"a": ["b"]})],
    "a: !!python/object/apply:os.system [b]\n": [(1, 4, "tag", {"a": ["b"]})],
    "<<: {a: 1}\nb: 2\n": [(1, 1, "merge-key", {"b": 2})],
    "<<: *x\nb: 2\n": [(1, 1, "merge-key", {"b": 2})],
    "{a: b}: c\nd: e\n": [(1, 1, "key-not-text", {"d": "e"})],
    "? [a, b]\n: {c: d}\ne: f\n": [(1, 3, "key-not-text", {"e": "f"})],
    "? {a: b}\nc: d\n": [(1, 3, "key-not-text", {"c": "d"})],
    "a:\nb: 1\n": [(1, 1, "empty-value", {"a": UNREADABLE, "b": 1})],
    "a: null\n": [(1, 1, "empty-value", {"a": UNREADABLE})],
    "-\n- b\n": [(1, 2, "empty-value", [UNREADABLE, "b"])],
}


@pytest.mark.parametrize(("text", "expected"), REFUSALS.items(), ids=REFUSALS)
def test_what_no_manifest_may_use_is_refused_where_it_stands(read, text, expected) -> None:
    """The rest of the document is read on, so that all problems come in one go."""
    reading = read(text)
    [(line, column, code, tree)] = expected
    found = [(p.where.line, p.where.column, p.code) for p in reading.problems]
    assert found == [(line, column, code)]
    assert trees(reading) == [tree]


def test_an_alias_bomb_is_refused_without_growing(read) -> None:
    """Aliases are refused one by one; nothing is ever expanded."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 12)]
    reading = read("\n".join(lines))
    codes = [p.code for p in reading.problems]
    assert codes.count("anchor") == 12
    assert codes.count("alias") == 22


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "], ids=["list", "mapping", "block"])
def test_deep_nesting_is_refused_at_a_fixed_depth(read, opening) -> None:
    """A hundred thousand levels end at the twenty-first, and reading of the file with them."""
    text = opening * 100_000
    reading = read(text)
    [problem] = reading.problems
    assert (problem.code, problem.where.line) == ("too-deep", 1)
    assert problem.where.column == 20 * len(opening) + 1
    assert problem.message == "this is nested deeper than 20 levels"


def test_twenty_levels_are_read(read) -> None:
    """The limit itself is allowed."""
    assert read("[" * 20 + "]" * 20).problems == ()


def test_documents_before_a_fault_of_the_text_stand(read) -> None:
    """What was read before the text ended to be YAML is judged on."""
    reading = read("a: b\n---\nc: [\n")
    assert trees(reading) == [{"a": "b"}]
    assert [p.code for p in reading.problems] == ["yaml-syntax"]


BYTES = {
    b"a: \xff\n": ("not-utf8", 1, 4),
    b"a: b\nc: d\xe9\n": ("not-utf8", 2, 5),
    "a: b".encode("utf-16"): ("not-utf8", 1, 1),
    b"a: b\x00c\n": ("unprintable", 1, 5),
    b"a: b\n# \x1b[31m\n": ("unprintable", 2, 3),
    "a: b \u202e c\n".encode(): ("unprintable", 1, 6),
    "a: \ud800".encode("utf-8", "surrogatepass"): ("not-utf8", 1, 4),
    b"#" * (LARGEST_FILE + 1): ("too-large", 1, 1),
}


@pytest.mark.parametrize(("content", "expected"), BYTES.items(), ids=lambda v: ascii(v)[:30])
def test_bytes_that_are_no_plain_text_are_refused(read, content, expected) -> None:
    """Nothing of such a file is read."""
    reading = read(content)
    [problem] = reading.problems
    assert (problem.code, problem.where.line, problem.where.column) == expected
    assert reading.documents == ()


def test_a_file_of_exactly_one_mebibyte_is_read(read) -> None:
    """The limit itself is allowed."""
    assert read(b"#" * LARGEST_FILE).problems == ()


def test_every_key_of_ours_in_a_file_is_found_and_never_shown(read) -> None:
    """In a comment too, and in every line."""
    reading = read(f"a: b # {TOKEN}\n# {TOKEN}\n")
    assert [(p.code, p.where.line, p.where.column) for p in reading.problems] == [
        ("secret-like", 1, 8),
        ("secret-like", 2, 3),
    ]
    assert [p.snippet for p in reading.problems] == ["a: b # [redacted]", "# [redacted]"]
    assert TOKEN not in str(reading.problems)


def test_a_snippet_never_holds_what_looks_like_a_secret(read) -> None:
    """Whatever else is wrong in a line, a secret in it is not repeated."""
    [problem] = read(f"token: &x {DRAWN}\n").problems
    assert problem.snippet == "token: &x [redacted]"


def test_without_libyaml_the_parser_in_python_reads(monkeypatch) -> None:
    """Slower, with the same documents and the same refusals."""
    with_libyaml = read_file(file(HEAD + "  a: &x 1\n"))
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    without = read_file(file(HEAD + "  a: &x 1\n"))
    assert without == with_libyaml
    assert [p.code for p in without.problems] == ["anchor"]


def test_the_parsers_agree_on_a_manifest() -> None:
    """The fallback without libyaml gives the same documents."""
    readings = [read_file(file(HEAD), parser) for parser in PARSERS.values()]
    assert trees(readings[0]) == trees(readings[1]) != []


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_documents_or_problems(content) -> None:
    """Reading never raises."""
    assert isinstance(read_file(file(content)), FileReading)


@settings(deadline=None)
@given(st.text(st.sampled_from("ab:-?[]{},&*!|>'\"%@`#<~ \n\t\r0.1\x85\u2028e"), max_size=80))
def test_any_text_of_yaml_signs_gives_documents_or_problems(text) -> None:
    """Whatever the parser makes of it, every problem has a position and a mend."""
    for problem in read_file(file(text)).problems:
        assert problem.where.line >= 1
        assert problem.where.column >= 1
        assert problem.message
        assert problem.advice
