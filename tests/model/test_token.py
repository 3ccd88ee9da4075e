"""The grammar of a key: exact bytes, and every slip of the hand noticed.

The examples are not keys: they were written for this test.
"""

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.secret import Secret
from reconciler.model.token import (
    ALPHABET,
    TOKEN_PATTERN,
    ParsedToken,
    TokenFault,
    base62,
    checksum,
    compose,
    last_characters,
    parse,
)

BASE62 = st.sampled_from(ALPHABET)
PARTS = st.fixed_dictionaries(
    {
        "prefix": st.from_regex(r"[a-z]{2,8}", fullmatch=True),
        "environment": st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True),
        "version_id": st.text(BASE62, min_size=12, max_size=12),
        "secret": st.text(BASE62, min_size=43, max_size=43),
    }
)
EXAMPLE = "krk_live_3Xjy43zv3DDA_F9fdW7v13H6dOWRD56nHFc4z1v83NctYVqJpQS8UyDi4QHF99"


def compose_text(parts: dict[str, str]) -> str:
    """Give the text of a key."""
    return compose(
        prefix=parts["prefix"],
        environment=parts["environment"],
        version_id=parts["version_id"],
        secret=parts["secret"],
    ).reveal()


@pytest.mark.parametrize(
    ("parts", "crc", "text"),
    [
        (
            ("krk", "prod", "0" * 12, "0" * 43),
            0x33E70B7F,
            "krk_prod_000000000000_00000000000000000000000000000000000000000000wvhb5",
        ),
        (
            ("krk", "live", "3Xjy43zv3DDA", "F9fdW7v13H6dOWRD56nHFc4z1v83NctYVqJpQS8UyDi"),
            0xF191370B,
            EXAMPLE,
        ),
        (
            ("ab", "x", "z" * 12, "z" * 43),
            0xC6F78199,
            "ab_x_zzzzzzzzzzzz_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz3duMjB",
        ),
        (
            ("abcdefgh", "a234567890123456", "0123456789AB", ALPHABET[:43]),
            0x9F0A8349,
            "abcdefgh_a234567890123456_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2uZlxR",
        ),
    ],
    ids=["zeros", "documented", "shortest", "longest"],
)
def test_a_key_is_composed_of_exactly_these_bytes(parts, crc: int, text: str):
    """The form is frozen: these texts never change."""
    prefix, environment, version_id, secret = parts

    composed = compose(prefix=prefix, environment=environment, version_id=version_id, secret=secret)

    assert composed.reveal() == text
    assert zlib.crc32(text[:-6].encode()) == crc
    assert parse(text) == ParsedToken(
        prefix=prefix,
        environment=environment,
        version_id=version_id,
        last_characters=text[-4:],
    )


def test_the_checksum_is_the_one_everybody_computes():
    """CRC-32/ISO-HDLC has the check value cbf43926 over the nine digits."""
    assert checksum("123456789") == base62(0xCBF43926, 6)
    assert base62(0xCBF43926, 6) == "3jZRME"
    assert checksum("") == "000000"


@pytest.mark.parametrize(
    ("number", "length", "text"),
    [(0, 1, "0"), (61, 1, "z"), (62, 2, "10"), (62, 4, "0010"), (2**32 - 1, 6, "4gfFC3")],
)
def test_numbers_are_written_in_base_62_padded_with_zeros(number, length, text):
    """Digits first, then capitals, then small letters."""
    assert base62(number, length) == text


@pytest.mark.parametrize(("number", "length"), [(62, 1), (62**6, 6), (1, 0), (-1, 6)])
def test_a_number_that_does_not_fit_is_refused(number, length):
    """Nothing is cut off silently."""
    with pytest.raises(ValueError, match="too few"):
        base62(number, length)


@given(PARTS)
def test_reading_is_the_inverse_of_composing(parts):
    """What was composed is read back, and the scanners' pattern finds it in a line."""
    text = compose_text(parts)

    assert parse(text) == ParsedToken(
        prefix=parts["prefix"],
        environment=parts["environment"],
        version_id=parts["version_id"],
        last_characters=text[-4:],
    )
    found = re.search(TOKEN_PATTERN, f'key: "{text}"')
    assert found is not None
    assert found[0] == text


@given(st.one_of(st.text(), st.text(alphabet="krk_prod0aZ\n\N{KELVIN SIGN}", max_size=99)))
def test_reading_never_raises(text: str):
    """Whatever is presented is a key or a fault."""
    assert isinstance(parse(text), ParsedToken | TokenFault)


def test_every_single_wrong_character_is_detected():
    """No replacement of one character by another of the alphabet goes unnoticed."""
    unnoticed = [
        (position, character)
        for position, right in enumerate(EXAMPLE)
        for character in f"{ALPHABET}_"
        if character != right
        and isinstance(parse(EXAMPLE[:position] + character + EXAMPLE[position + 1 :]), ParsedToken)
    ]

    assert unnoticed == []


def test_every_swap_of_two_neighbours_is_detected():
    """No transposition of two different neighbours goes unnoticed."""
    swapped = [
        EXAMPLE[:at] + EXAMPLE[at + 1] + EXAMPLE[at] + EXAMPLE[at + 2 :]
        for at in range(len(EXAMPLE) - 1)
        if EXAMPLE[at] != EXAMPLE[at + 1]
    ]

    assert len(swapped) > 60
    assert [text for text in swapped if isinstance(parse(text), ParsedToken)] == []


@given(PARTS, st.data())
def test_a_wrong_character_of_any_key_is_detected(parts, data):
    """The same holds for keys of every prefix and environment."""
    text = compose_text(parts)
    position = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    wrong = data.draw(BASE62.filter(lambda character: character != text[position]))

    assert isinstance(parse(text[:position] + wrong + text[position + 1 :]), TokenFault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", TokenFault.MALFORMED),
        (EXAMPLE[:-1], TokenFault.MALFORMED),
        (EXAMPLE[1:], TokenFault.CHECKSUM),
        (EXAMPLE + "0", TokenFault.MALFORMED),
        (f"{EXAMPLE}\n", TokenFault.MALFORMED),
        (f" {EXAMPLE}", TokenFault.MALFORMED),
        (f'"{EXAMPLE}"', TokenFault.MALFORMED),
        (f"Bearer {EXAMPLE}", TokenFault.MALFORMED),
        (EXAMPLE.upper(), TokenFault.MALFORMED),
        (EXAMPLE.replace("_", "-"), TokenFault.MALFORMED),
        (EXAMPLE.replace("krk_", "k_"), TokenFault.MALFORMED),
        (EXAMPLE.replace("krk_", "krkrkrkrk_"), TokenFault.MALFORMED),
        (EXAMPLE.replace("krk_", "kr1_"), TokenFault.MALFORMED),
        (EXAMPLE.replace("_live_", "__"), TokenFault.MALFORMED),
        (EXAMPLE.replace("_live_", "_Live_"), TokenFault.MALFORMED),
        (EXAMPLE.replace("_live_", "_live-eu_"), TokenFault.MALFORMED),
        (EXAMPLE.replace("_live_", f"_{'e' * 17}_"), TokenFault.MALFORMED),
        (EXAMPLE.replace("_live_", "_test_"), TokenFault.CHECKSUM),
        (EXAMPLE.replace("krk_", "krl_"), TokenFault.CHECKSUM),
        (EXAMPLE.replace("3Xjy", "3Xjz"), TokenFault.CHECKSUM),
        (EXAMPLE.replace("F9fd", "F9fe"), TokenFault.CHECKSUM),
        (EXAMPLE.replace("0", "O").replace("1", "l"), TokenFault.CHECKSUM),
        (EXAMPLE.replace("F9fd", "F9f\N{LATIN SMALL LETTER D WITH CARON}"), TokenFault.MALFORMED),
        ("$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", TokenFault.MALFORMED),
        ("0" * 1_000_000, TokenFault.MALFORMED),
    ],
    ids=lambda value: str(value)[:90],
)
def test_a_text_that_is_no_key_is_refused_with_its_fault(text: str, fault: TokenFault):
    """Form first, then checksum; a stored hash is not a key."""
    assert parse(text) is fault


def test_a_parsed_key_does_not_hold_its_secret():
    """What parsing gives may be logged."""
    assert "F9fdW7v13H6d" not in repr(parse(EXAMPLE))


def test_last_characters_are_the_last_four():
    """The console's field, taken from the whole text."""
    assert last_characters(Secret(EXAMPLE)) == "HF99"
