"""A new key is of the grammar, unique, and known only to the process that drew it."""

import pytest

from reconciler.credentials.minting import mint
from reconciler.model.token import ParsedToken, parse
from tests.fakes.system import FakeEntropy


class RecordingEntropy(FakeEntropy):
    """Remembers how much was drawn."""

    def __init__(self) -> None:
        """Nothing was drawn yet."""
        super().__init__()
        self.drawn: list[tuple[int, str]] = []

    def base62(self, length: int) -> str:
        """Draw and remember."""
        text = super().base62(length)
        self.drawn.append((length, text))
        return text


def test_a_minted_key_is_put_together_from_what_was_drawn():
    """12 digits name the version, 43 digits are the secret, in this order."""
    entropy = RecordingEntropy()

    minted = mint(entropy, prefix="krk", environment="prod")

    (_, version_id), (_, secret) = entropy.drawn
    text = minted.api_key.reveal()
    assert [length for length, _ in entropy.drawn] == [12, 43]
    assert text.startswith(f"krk_prod_{version_id}_{secret}")
    assert minted.version_id == version_id
    assert minted.last_characters == text[-4:]
    assert parse(text) == ParsedToken(
        prefix="krk", environment="prod", version_id=version_id, last_characters=text[-4:]
    )


def test_a_minted_key_does_not_show_itself():
    """Its printed form holds what logs may hold."""
    entropy = RecordingEntropy()

    minted = mint(entropy, prefix="krk", environment="prod")

    assert minted.version_id in repr(minted)
    assert entropy.drawn[1][1] not in repr(minted)
    assert minted.api_key.reveal() not in repr(minted)


def test_two_minted_keys_share_nothing():
    """Neither id nor secret is drawn twice."""
    entropy = FakeEntropy()
    minted = [mint(entropy, prefix="krk", environment="prod") for _ in range(100)]

    assert len({key.version_id for key in minted}) == 100
    assert len({key.api_key.reveal()[22:65] for key in minted}) == 100


class ShortEntropy(FakeEntropy):
    """Draws one digit too few."""

    def base62(self, length: int) -> str:
        """Draw."""
        return super().base62(length)[1:]


@pytest.mark.parametrize(
    ("entropy", "prefix", "environment"),
    [
        (FakeEntropy(), "k", "prod"),
        (FakeEntropy(), "KRK", "prod"),
        (FakeEntropy(), "krk_x", "prod"),
        (FakeEntropy(), "krk", ""),
        (FakeEntropy(), "krk", "prod-eu"),
        (FakeEntropy(), "krk", "e" * 17),
        (ShortEntropy(), "krk", "prod"),
    ],
    ids=["short prefix", "capitals", "underscore", "empty", "hyphen", "long", "few digits"],
)
def test_a_key_that_its_own_parser_would_refuse_is_never_minted(entropy, prefix, environment):
    """Nothing unusable reaches the sink, and the refusal repeats no digit of it."""
    with pytest.raises(ValueError, match="a key needs a prefix") as refusal:
        mint(entropy, prefix=prefix, environment=environment)

    assert str(refusal.value) == (
        "a key needs a prefix of [a-z]{2,8} and an environment of [a-z0-9]{1,16}"
    )
