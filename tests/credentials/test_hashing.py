"""A stored hash proves its secret, tells nothing about it, and says when it is damaged."""

import contextlib
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2.exceptions import HashingError
from hypothesis import given
from hypothesis import strategies as st

from reconciler.credentials import hashing
from reconciler.credentials.hashing import Pepper, hash_key, needs_rehash, verify
from reconciler.errors import ExitCode, HashingFailed
from reconciler.model.policy import HashProfile
from reconciler.model.secret import Secret
from tests.credentials.examples import API_KEY
from tests.fakes.system import FakeEntropy

OLD = Pepper(pepper_id="2025", key=b"o" * 32)
NEW = Pepper(pepper_id="2026-a", key=b"n" * 32)
PLAIN_HASH = (
    "$argon2id$v=19$m=1024,t=1,p=1$ZFFUMnZnYVp6dmNjQjlQTDIzWUR1Uw"
    "$f3EUvwwxZ/s+C6nmqD7cz1x7vL/L6x0fGvT6og3LZ3w"
)
PEPPERED_HASH = (
    "pepper:2026-a$argon2id$v=19$m=1024,t=1,p=1$ZFFUMnZnYVp6dmNjQjlQTDIzWUR1Uw"
    "$4Vy0CUHJcGCQHIy68qPFerxNsBYH7y2XQFddcJG+CmQ"
)
OTHER = Secret(API_KEY.reveal().replace("SSS", "SST", 1))


def stored_hash(
    profile: HashProfile = HashProfile.TOKEN,
    pepper: Pepper | None = None,
    seed: str = "hash",
) -> str:
    """Hash the example key."""
    return hash_key(API_KEY, entropy=FakeEntropy(seed), profile=profile, pepper=pepper)


def test_the_stored_form_is_pinned():
    """Stores hold these bytes: argon2id with its parameters, salt and hash."""
    assert stored_hash() == PLAIN_HASH
    assert stored_hash(pepper=NEW) == PEPPERED_HASH
    assert verify(PLAIN_HASH, API_KEY)


@pytest.mark.parametrize(
    ("profile", "start"),
    [
        (HashProfile.TOKEN, "$argon2id$v=19$m=1024,t=1,p=1$"),
        (HashProfile.OWASP, "$argon2id$v=19$m=19456,t=2,p=1$"),
    ],
)
def test_a_profile_is_written_into_the_stored_form(profile, start):
    """The parameters travel with the hash, so profiles may change."""
    text = stored_hash(profile)

    assert text.startswith(start)
    assert verify(text, API_KEY)
    assert not verify(text, OTHER)


def test_the_whole_text_of_the_key_is_hashed():
    """Another environment with the same secret part is another secret."""
    moved = Secret(API_KEY.reveal().replace("_prod_", "_test_"))

    assert not verify(stored_hash(), moved)


def test_two_hashes_of_one_key_differ():
    """Every hash has a salt of its own."""
    entropy = FakeEntropy()
    hashes = {hash_key(API_KEY, entropy=entropy, profile=HashProfile.TOKEN) for _ in range(3)}

    assert len(hashes) == 3
    assert all(verify(text, API_KEY) for text in hashes)


def test_a_peppered_hash_is_checked_with_the_pepper_it_names():
    """Old and new peppers live side by side until every key was rotated."""
    assert verify(stored_hash(pepper=OLD), API_KEY, peppers=(NEW, OLD))
    assert verify(stored_hash(pepper=NEW), API_KEY, peppers=(NEW, OLD))
    assert verify(stored_hash(), API_KEY, peppers=(NEW, OLD))
    assert not verify(stored_hash(pepper=NEW), OTHER, peppers=(NEW, OLD))


def test_a_pepper_of_the_same_id_with_another_key_matches_nothing():
    """The id finds the pepper; the key of the pepper decides."""
    impostor = Pepper(pepper_id=OLD.pepper_id, key=b"x" * 32)

    assert not verify(stored_hash(pepper=OLD), API_KEY, peppers=(impostor,))


def test_a_missing_pepper_is_an_error_and_not_a_wrong_secret():
    """The holder of a right key is not told that it is wrong."""
    with pytest.raises(HashingFailed) as failure:
        verify(stored_hash(pepper=OLD), API_KEY, peppers=(NEW,))

    assert failure.value.message == (
        "a stored hash was made with the pepper '2025', which is not configured"
    )
    assert failure.value.advice == (
        "configure that pepper again, beside the newer one, until every key was rotated"
    )


GOOD = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g"


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "x",
        GOOD[1:],
        f"{GOOD} ",
        f"{GOOD}\n",
        GOOD.replace("argon2id", "argon2i"),
        GOOD.replace("v=19", "v=16"),
        GOOD.replace("m=1024", "m=0"),
        GOOD.replace("m=1024,", ""),
        GOOD.replace("t=1", "t=-1"),
        GOOD.replace("c2Fs", "c2!s"),
        GOOD.rpartition("$")[0],
        f"pepper:{GOOD}",
        f"pepper:UPPER{GOOD}",
        "5f4dcc3b5aa765d61d8327deb882cf99",
    ],
)
def test_a_malformed_stored_hash_is_an_error_and_not_a_wrong_secret(damaged):
    """A damaged store is told apart from a bad presenter, in both questions."""
    with pytest.raises(HashingFailed) as of_verify:
        verify(damaged, API_KEY)
    with pytest.raises(HashingFailed) as of_rehash:
        needs_rehash(damaged, profile=HashProfile.TOKEN)

    assert of_verify.value.message == of_rehash.value.message
    assert of_verify.value.message == (
        "a stored hash is damaged: no secret can be checked against it"
    )
    assert of_verify.value.exit_code is ExitCode.ERROR


@pytest.mark.parametrize(
    "impossible",
    [
        GOOD.replace("m=1024", "m=1"),
        GOOD.replace("m=1024", "m=9999999999"),
        GOOD.replace("p=1", "p=9999"),
        GOOD.replace("c2FsdHNhbHRzYWx0", "c2FsdHNhbHRzYWx0A"),
    ],
)
def test_a_stored_hash_that_argon2_cannot_read_is_an_error(impossible):
    """Well-formed to the eye, impossible for argon2: still no wrong secret."""
    with pytest.raises(HashingFailed, match="a stored hash is damaged"):
        verify(impossible, API_KEY)


@pytest.mark.parametrize(
    "costly",
    [
        GOOD.replace("m=1024", "m=1048577"),
        GOOD.replace("t=1", "t=65"),
        GOOD.replace("m=1024", "m=8192").replace("p=1", "p=17"),
    ],
)
def test_a_stored_hash_that_no_profile_would_ask_for_is_not_computed(costly):
    """Whoever can write one row cannot take the machine's memory with every check of it."""
    with pytest.raises(HashingFailed, match="a stored hash is damaged"):
        verify(costly, API_KEY)


def test_an_error_holds_no_secret_and_chains_no_foreign_error():
    """No frame of another library, which holds the text, hangs on the error."""
    with pytest.raises(HashingFailed) as failure:
        verify(GOOD.replace("m=1024", "m=1"), API_KEY)

    error = failure.value
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert API_KEY.reveal() not in "".join(report.format())


def test_a_hash_that_finds_no_memory_is_an_error_with_advice(monkeypatch):
    """Too many keys at once for the machine: said plainly, nothing chained."""

    def fail(**_):
        raise HashingError("Memory allocation error")

    monkeypatch.setattr(hashing, "hash_secret", fail)
    with pytest.raises(HashingFailed, match="argon2 could not hash a key") as failure:
        stored_hash(HashProfile.OWASP)

    assert failure.value.__context__ is None
    assert failure.value.advice == (
        "profile owasp wants 19456 KiB for each key that is hashed at the same time: "
        "give more memory or lower the parallelism"
    )


@pytest.mark.parametrize(
    ("made_with", "wanted", "is_due"),
    [
        ((HashProfile.TOKEN, None), (HashProfile.TOKEN, None), False),
        ((HashProfile.TOKEN, None), (HashProfile.OWASP, None), True),
        ((HashProfile.OWASP, None), (HashProfile.TOKEN, None), True),
        ((HashProfile.OWASP, OLD), (HashProfile.OWASP, OLD), False),
        ((HashProfile.TOKEN, OLD), (HashProfile.TOKEN, NEW), True),
        ((HashProfile.TOKEN, None), (HashProfile.TOKEN, NEW), True),
        ((HashProfile.TOKEN, OLD), (HashProfile.TOKEN, None), True),
    ],
    ids=str,
)
def test_a_hash_is_made_again_where_profile_or_pepper_changed(made_with, wanted, is_due):
    """Equal parameters and pepper mean nothing to do."""
    text = stored_hash(*made_with)

    assert needs_rehash(text, profile=wanted[0], pepper=wanted[1]) is is_due


@pytest.mark.parametrize("changed", ["m=2048,t=1,p=1", "m=1024,t=2,p=1", "m=1024,t=1,p=2"])
def test_any_other_parameter_asks_for_a_new_hash(changed):
    """Each of the three counts."""
    assert needs_rehash(GOOD.replace("m=1024,t=1,p=1", changed), profile=HashProfile.TOKEN)


@pytest.mark.parametrize("pepper_id", ["", "UPPER", "a b", "a$b", "a:b", "x" * 33, "a\n"])
def test_a_pepper_id_that_could_not_be_read_back_is_refused(pepper_id):
    """The id becomes part of the stored text."""
    with pytest.raises(ValueError, match="a pepper id holds 1 to 32 of a-z, 0-9 and -"):
        Pepper(pepper_id=pepper_id, key=b"k" * 32)


def test_a_short_pepper_is_refused_without_being_repeated():
    """Fewer than 256 bits protect nothing worth the trouble."""
    with pytest.raises(ValueError, match="a pepper holds at least 32 bytes") as refusal:
        Pepper(pepper_id="short", key=b"short-pepper")

    assert "short-pepper" not in str(refusal.value)


def test_a_pepper_does_not_show_its_key():
    """Only its id is printed."""
    assert repr(NEW) == "Pepper(pepper_id='2026-a')"


@given(st.one_of(st.text(), st.text(alphabet="$argon2id=v9,mtpe:r")))
def test_a_stored_text_of_any_kind_raises_nothing_but_our_error(text: str):
    """Whatever a store may hold, the answer is a bool or HashingFailed."""
    with contextlib.suppress(HashingFailed):
        assert verify(text, API_KEY) is False


def test_many_threads_hash_at_once():
    """Hashing runs ahead of the transaction in threads."""
    entropy = FakeEntropy()
    with ThreadPoolExecutor(4) as pool:
        hashes = list(
            pool.map(
                lambda _: hash_key(API_KEY, entropy=entropy, profile=HashProfile.TOKEN), range(16)
            )
        )

    assert len(set(hashes)) == 16
    assert all(verify(text, API_KEY) for text in hashes)
