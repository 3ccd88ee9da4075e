"""The finder finds a secret in every dress, and nothing else."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.token import ALPHABET, compose
from tests.leaks.finder import Finder, may_hold_one


def a_key(secret: str) -> str:
    """Give a complete key with these 43 random digits."""
    key = compose(prefix="krk", environment="prod", version_id="0123456789ab", secret=secret)
    return key.reveal()


KEY = a_key("Ab3dE" * 8 + "xyz")
FINDER = Finder([KEY, a_key("Q" * 43)])

DRESSES: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "as it is": ("plain", str.encode),
    "in a URL": ("plain", lambda key: f"https://x/?k={urllib.parse.quote(key)}".encode()),
    "percent by percent": (
        "percent",
        lambda key: "".join(f"%{ord(c):02x}" for c in key).encode(),
    ),
    "in hex": ("hex", lambda key: key.encode().hex().encode()),
    "in capital hex after half a byte": (
        "hex",
        lambda key: f"f{key.encode().hex().upper()}".encode(),
    ),
    "in base64": ("base64", lambda key: base64.b64encode(key.encode())),
    "in base64 after a byte": ("base64", lambda key: base64.b64encode(b"#" + key.encode())),
    "in base64 after two": ("base64", lambda key: base64.b64encode(b"##" + key.encode())),
    "in the base64 of URLs": (
        "base64",
        lambda key: base64.urlsafe_b64encode(b"??>" + key.encode()),
    ),
}


@pytest.mark.parametrize("name", DRESSES)
@pytest.mark.parametrize("is_whole", [True, False], ids=["complete", "random part"])
def test_a_secret_is_found_in_every_dress(name: str, is_whole: bool) -> None:
    """Complete, and its random part alone, between other bytes."""
    dress, wear = DRESSES[name]
    text = KEY if is_whole else KEY.split("_")[3][:43]
    content = b"\x00 before \xff " + wear(text) + b" after \n"
    assert may_hold_one(content)
    assert FINDER.dress_in(content) == dress


def test_ids_last_characters_and_others_secrets_are_no_find() -> None:
    """What a log may carry."""
    for harmless in ("krk_prod_0123456789ab", KEY[-10:], a_key("Z" * 43), "a" * 500, ""):
        assert FINDER.dress_in(harmless.encode()) is None


@given(
    secret=st.text(alphabet=ALPHABET, min_size=43, max_size=43),
    before=st.binary(max_size=30),
    after=st.binary(max_size=30),
    name=st.sampled_from([n for n in DRESSES if "base64" not in n and n != "in hex"]),
)
def test_no_surroundings_hide_a_secret(secret: str, before: bytes, after: bytes, name: str) -> None:
    """Whatever stands beside it."""
    key = a_key(secret)
    _, wear = DRESSES[name]
    content = before + b"\n" + wear(key) + b"\n" + after
    assert Finder([key]).dress_in(content) is not None
