"""A request presents one key, none, or two that contradict each other; never one in its address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.server.presented import (
    ORIGINAL_ADDRESSES,
    Contradictory,
    KeyPresented,
    NotPresented,
    presented_key,
)
from tests.credentials.examples import API_KEY

KEY = API_KEY.reveal()


def found(*headers: tuple[str, str], addresses: tuple[str, ...] = ()) -> object:
    """Give the text that is presented, or what stands for none and for two."""
    presented = presented_key(headers, addresses=addresses)
    return presented.secret.reveal() if isinstance(presented, KeyPresented) else presented


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", f"Bearer {KEY}")],
        [("authorization", f"bEARER   {KEY}")],
        [("AUTHORIZATION", f" Bearer\t{KEY} ")],
        [("X-API-Key", KEY)],
        [("x-api-key", f"\t{KEY} ")],
        [("X-API-Key", KEY), ("X-API-Key", KEY)],
        [("Authorization", f"Bearer {KEY}"), ("X-API-Key", KEY)],
        [("Authorization", "Basic YTpi"), ("X-API-Key", KEY)],
        [("Authorization", "Bearer "), ("X-API-Key", KEY), ("X-API-Key", "")],
    ],
)
def test_one_key_is_found_however_often_it_is_said(headers) -> None:
    """In either header, in any case, repeated or not."""
    assert found(*headers) == KEY


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", KEY)],
        [("Authorization", f"Basic {KEY}")],
        [("Authorization", f"Token {KEY}")],
        [("Authorization", f"Bearer{KEY}")],
        [("X-API-Key", "")],
        [("X-API-Key", "  ")],
        [("Cookie", f"key={KEY}")],
        [("Proxy-Authorization", f"Bearer {KEY}")],
    ],
)
def test_no_other_place_is_looked_at(headers) -> None:
    """No Basic, no cookie, no text without its scheme."""
    assert found(*headers) == NotPresented()


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", f"Bearer {KEY}"), ("X-API-Key", "other")],
        [("Authorization", f"Bearer {KEY}"), ("Authorization", "Bearer other")],
        [("X-API-Key", "other"), ("X-API-Key", KEY)],
    ],
)
def test_two_different_keys_contradict_each_other(headers) -> None:
    """Neither first nor last wins."""
    assert found(*headers) == Contradictory()


def test_two_values_in_one_header_are_one_wrong_key() -> None:
    """A proxy may have joined them; no part is picked out."""
    assert found(("X-API-Key", f"{KEY}, other")) == f"{KEY}, other"


ENCODED = "".join(f"%{ord(character):02x}" for character in KEY)


@pytest.mark.parametrize(
    "text", [KEY, KEY.replace("_", "%5F"), ENCODED], ids=["plain", "half-encoded", "encoded"]
)
@pytest.mark.parametrize("headers", [[], [("Authorization", f"Bearer {KEY}")]])
def test_a_key_in_an_address_is_no_key(headers, text) -> None:
    """Not read there, and a request that also carries it there is refused."""
    address = f"page=2&api_key={text}"
    assert found(*headers, addresses=("/reviews", address)) == NotPresented()
    for name in ORIGINAL_ADDRESSES:
        assert found(*headers, (name.title(), f"/reviews?{address}")) == NotPresented()


def test_an_address_without_a_key_is_no_matter() -> None:
    """What only looks a little like one is let be."""
    assert found(("X-API-Key", KEY), addresses=("/krk_prod_short", "key=x")) == KEY


@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from(["Authorization", "X-API-Key", "x-original-uri", "Other"]), st.text()
        )
    ),
    addresses=st.lists(st.text()),
)
def test_any_texts_have_an_answer(headers, addresses) -> None:
    """No exception, and no text in what a log could show."""
    presented = presented_key(headers, addresses=addresses)
    assert isinstance(presented, KeyPresented | NotPresented | Contradictory)
    if isinstance(presented, KeyPresented):
        assert repr(presented) == "KeyPresented(secret=Secret(***))"
