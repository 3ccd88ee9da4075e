"""Keys are found in bytes: each once, at its line and column, whatever stands around them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.credentials import scanning
from reconciler.credentials.scanning import Sighting, masked, sightings
from reconciler.model.token import ALPHABET, compose, parse
from tests.fakes.planted import ID, OTHER_ID, key


def digits(length: int) -> st.SearchStrategy[str]:
    """Draw base62 digits."""
    return st.text(alphabet=ALPHABET, min_size=length, max_size=length)


KEYS = st.builds(
    lambda prefix, environment, version_id, secret: compose(
        prefix=prefix, environment=environment, version_id=version_id, secret=secret
    ).reveal(),
    st.from_regex(r"[a-z]{2,8}", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True),
    digits(12),
    digits(43),
)
AROUND = st.text(
    alphabet=st.one_of(
        st.sampled_from("\n\r\t ._=\"'krkprodA0é名\U0001f511"),
        st.characters(codec="utf-8", exclude_characters="\0\ufeff"),
    ),
    max_size=60,
)


def found(content: bytes, prefix: str | None = None) -> list[tuple[str, int, int]]:
    """Give version id, line and column of all that is found in one piece."""
    return [(s.token.version_id, s.line, s.column) for s in sightings([content], prefix)]


def place_in(text: str, at: int) -> tuple[int, int]:
    """Count lines and characters as an editor does."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def cut(content: bytes, at: list[int]) -> list[bytes]:
    """Cut a content at these places."""
    bounds = sorted({0, len(content), *(a % (len(content) + 1) for a in at)})
    return [content[a:b] for a, b in pairwise(bounds)]


@given(st.lists(st.tuples(AROUND, KEYS), min_size=1, max_size=4), AROUND)
def test_every_key_is_found_where_an_editor_would_find_it(parts, end):
    """Any text before and behind, other keys too; lines and characters are counted from 1."""
    text, expected = "", []
    for before, one in parts:
        text += f"{before} "
        expected.append((one.split("_")[2], *place_in(text, len(text))))
        text += one
    assert found((text + " " + end).encode()) == expected


@given(
    st.lists(st.tuples(AROUND, KEYS), min_size=1, max_size=4),
    st.lists(st.integers(min_value=0, max_value=2000), max_size=8),
    st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"]),
)
def test_pieces_of_any_size_are_found_as_the_whole_is(parts, at, encoding):
    """A key over one border or over many is found exactly once."""
    content = "".join(f"{before}{one}" for before, one in parts).encode(encoding)
    whole = list(sightings([content]))
    assert [s.token.version_id for s in whole] == [one.split("_")[2] for _, one in parts]
    assert list(sightings(cut(content, at))) == whole


def test_a_byte_at_a_time_is_enough():
    """No piece is too small, and lines are right across all of them."""
    content = f"a\nb\n  {key()}\nc {key('ba9876543210')}".encode()
    single = (content[i : i + 1] for i in range(len(content)))
    assert [(s.token.version_id, s.line, s.column) for s in sightings(single)] == [
        (ID, 3, 3),
        (OTHER_ID, 4, 3),
    ]


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", ""),
        ('"', '"'),
        (r"line\n", r"\n"),
        ("token", "token"),
        ("Bearer", "0"),
        ("a_b_", "_c"),
        ("abcdefgh", "ZZZ"),
        ("krk_", "_krk"),
        ("https://api.example/?key=", "&x=1"),
        ("\0\0", "\0\0"),
        ("é", "é"),
    ],
)
def test_what_a_key_is_glued_to_does_not_hide_it(before: str, behind: str):
    """The checksum says where it begins, not a boundary of words."""
    ((version_id, line, column),) = found(f"{before}{key()}{behind}".encode())
    assert (version_id, line) == (ID, 1)
    assert column == len(before.replace("\0", "")) + 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_wide_encodings_and_byte_order_marks_are_seen_through(encoding: str):
    """What a Windows editor or shell wrote is found at the same place."""
    assert found(f"x = {key()}\r\ny = {key('ba9876543210')}\r\n".encode(encoding)) == [
        (ID, 1, 5),
        (OTHER_ID, 2, 5),
    ]


@given(KEYS, st.data())
def test_a_text_whose_checksum_does_not_fit_is_no_key(one, data):
    """A placeholder in a document, a key that was altered: nothing is found."""
    position = data.draw(st.integers(min_value=len(one) - 55, max_value=len(one) - 1))
    wrong = data.draw(st.sampled_from(ALPHABET).filter(lambda c: c != one[position]))
    assert found(f" {one[:position]}{wrong}{one[position + 1 :]} ".encode()) == []


def test_a_prefix_leaves_out_the_keys_of_others():
    """Also where the text before a key ends like that prefix."""
    content = f"{key()} x{key('ba9876543210', prefix='acme')}".encode()
    assert found(content, "krk") == [(ID, 1, 1)]
    assert found(content, "acme") == [(OTHER_ID, 1, len(key()) + 3)]
    assert found(content, "kr") == []


def test_the_longest_and_the_shortest_key_are_found():
    """The grammar's bounds are the search's."""
    for prefix, environment in (("ab", "x"), ("abcdefgh", "a234567890123456")):
        one = key(prefix=prefix, environment=environment).encode("utf-32-le")
        assert len(list(sightings([one[:-4], one[-4:]]))) == 1


def test_bytes_of_any_kind_are_searched():
    """A binary file is no reason to look away, and no bytes are too strange."""
    assert found(bytes(range(256)) * 3 + key().encode() + b"\xff\x00\xfe") != []


@given(st.binary(max_size=300))
def test_no_bytes_raise(content):
    """Whatever is read is searched."""
    assert list(sightings([content])) == []


@given(AROUND, KEYS, AROUND)
def test_what_is_masked_holds_no_secret_and_keeps_the_rest(before, one, behind):
    """A path with a key in it can be shown: its id stays, and everything around it."""
    shown = masked(f"{before}/{one}/{behind}")
    secret = one.split("_")[3]
    assert secret not in shown
    assert shown == f"{before}/{one.removesuffix(secret)}[redacted]/{behind}"


def test_a_sighting_tells_nothing_of_the_secret():
    """What is found may be logged; the last characters are the console's."""
    (one,) = sightings([key().encode()])
    assert one == Sighting(token=one.token, line=1, column=1)
    assert "Ab3Ab3" not in repr(one)


class Pieces:
    """Pieces that count how often they are asked for."""

    def __init__(self, *pieces: bytes) -> None:
        self.given = 0
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.given += 1
            yield piece


def test_a_file_without_a_match_costs_one_pass(monkeypatch: pytest.MonkeyPatch):
    """Each piece is taken once; no line is counted, and no text is put to the checksum."""
    judged: list[str] = []
    counted: list[int] = []
    after = scanning._Place.after

    def counting(place: scanning._Place, text: bytes) -> scanning._Place:
        counted.append(len(text))
        return after(place, text)

    monkeypatch.setattr(scanning, "parse", judged.append)
    monkeypatch.setattr(scanning._Place, "after", counting)
    pieces = Pieces(b"a_b = snake_case_names_all_the_way\n" * 10_000)
    assert list(sightings(pieces)) == []
    assert (pieces.given, judged, sum(counted)) == (1, [], 0)


def test_a_text_made_to_be_slow_is_judged_a_bounded_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
):
    """At most once for each length of prefix, however many look-alikes there are."""
    judged: list[str] = []

    def judging(text: str) -> object:
        judged.append(text)
        return parse(text)

    monkeypatch.setattr(scanning, "parse", judging)
    look_alike = key()[:-1] + ("0" if key()[-1] != "0" else "1")
    assert found(f"abcde{look_alike}".encode() * 500) == []
    assert len(judged) <= 7 * 500
