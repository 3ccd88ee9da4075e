"""What happened to a copied value: every kind, and never a part of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.credentials.damage import Damage, DamageKind, damage_of, hinted_id, is_whole
from reconciler.model.token import ALPHABET
from tests.credentials.examples import API_KEY, VERSION_ID

KEY = API_KEY.reveal()
DAMAGED: dict[str, tuple[str, DamageKind]] = {
    "line break": (f"{KEY[:30]}\n{KEY[30:]}", DamageKind.LINE_BREAK),
    "two keys": (f"{KEY}\n{KEY}", DamageKind.LINE_BREAK),
    "double quotes": (f'"{KEY}"', DamageKind.QUOTES),
    "one quote": (f"{KEY}'", DamageKind.QUOTES),
    "typographic quotes": (f"\u201c{KEY}\u201d", DamageKind.QUOTES),
    "header": (f"Bearer {KEY}", DamageKind.SURROUNDED),
    "assignment": (f"API_KEY={KEY}", DamageKind.SURROUNDED),
    "space": (f"{KEY[:30]} {KEY[30:]}", DamageKind.SPACES),
    "no-break space": (f"{KEY[:30]}\u00a0{KEY[30:]}", DamageKind.SPACES),
    "masked": (f"{KEY[:20]}…{KEY[-4:]}", DamageKind.FOREIGN),
    "comma": (f"{KEY},", DamageKind.FOREIGN),
    "twice": (KEY + KEY, DamageKind.TOO_LONG),
    "one more": (f"{KEY}0", DamageKind.TOO_LONG),
    "one missing": (KEY[:-1], DamageKind.CUT_OFF),
    "no secret": (KEY[:21], DamageKind.CUT_OFF),
    "half an id": (KEY[:14], DamageKind.CUT_OFF),
    "no id": (KEY[:8], DamageKind.CUT_OFF),
    "prefix alone": (KEY[:4], DamageKind.CUT_OFF),
    "no prefix": (KEY[4:], DamageKind.BEHEADED),
    "secret alone": (KEY.rpartition("_")[2], DamageKind.BEHEADED),
    "capital prefix": (f"KRK{KEY[3:]}", DamageKind.BEHEADED),
    "changed": (f"{KEY[:40]}x{KEY[41:]}", DamageKind.ALTERED),
    "other environment": (KEY.replace("prod", "test"), DamageKind.ALTERED),
    "something else": ("hunter2", DamageKind.FORMLESS),
    "empty": ("", DamageKind.FORMLESS),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_every_damage_is_named(name: str) -> None:
    """By the first sign that fits."""
    text, kind = DAMAGED[name]

    assert damage_of(text) is kind


def test_every_kind_of_damage_has_an_example() -> None:
    """No sign is idle."""
    assert {kind for _, kind in DAMAGED.values()} == set(DamageKind)


def test_a_complete_key_is_not_damaged() -> None:
    """Form and checksum are all that is looked at."""
    assert damage_of(KEY) is None
    assert is_whole(KEY)


@pytest.mark.parametrize("name", DAMAGED)
def test_an_id_that_still_stands_there_is_found_to_be_looked_up(name: str) -> None:
    """Where prefix, environment and id are untouched."""
    text, _ = DAMAGED[name]
    is_there = f"krk_prod_{VERSION_ID}" in text or f"krk_test_{VERSION_ID}" in text

    assert hinted_id(text) == (VERSION_ID if is_there else None)


@given(st.text(max_size=120))
def test_any_text_has_a_kind_of_damage(text: str) -> None:
    """Never an exception, and nothing of the text in what is said."""
    kind = damage_of(text)

    assert kind is None or repr(Damage(kind=kind)) == f"Damage(kind={kind!r}, meant=None)"
    assert (kind is None) is is_whole(text)


@given(st.integers(0, len(KEY) - 1), st.sampled_from(ALPHABET))
def test_any_changed_character_is_noticed(index: int, character: str) -> None:
    """Wherever it stands; behind the prefix the checksum says so."""
    changed = f"{KEY[:index]}{character}{KEY[index + 1 :]}"

    assert (damage_of(changed) is None) is (changed == KEY)


@given(st.integers(1, len(KEY) - 1))
def test_any_missing_end_is_noticed(length: int) -> None:
    """Cut off, as soon as a prefix can be seen; less is of no form."""
    kind = damage_of(KEY[:length])

    assert kind is (DamageKind.CUT_OFF if length >= len("krk_") else DamageKind.FORMLESS)
