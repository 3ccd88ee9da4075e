"""What looks like a secret, and what people write that does not."""

import random
import string

import pytest

from reconciler.manifest.secret_text import find_tokens, looks_secret, redacted
from reconciler.model.token import compose
from tests.manifest.manifests import DRAWN, IDENTITY, TOKEN

ORDINARY = [
    "Pulls invoices into the ledger",
    "billing-sync-prod-2024-eu-central-1-secondary",
    "https://wiki.example.com/spaces/ENG/pages/1234567890/Billing+sync+2024+Q3",
    "see https://docs.example.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "commit 4e5778a2b1c90d3e6f7a8b9c0d1e2f3a4b5c6d7e",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "invoices-from-ledger-2024-q3-eu-west-1-batch-17",
    "AcritySecurityScansWebhookHandlerV2",
    "arn:aws:iam::123456789012:role/platform-keys-apply-2024",
    "repo:acme/platform-keys:ref:refs/heads/main:environment:production",
    "+49 30 901820 / 2026-11-24T12:00:00Z",
    "Donaudampfschifffahrtsgesellschaftskapitän 1",
    "team-payments@example.com",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaa1111111111111111111",
    "k8s-prod-eu-1/ns/payments/deploy/billing-sync-7f9c4d5b66-x2x4z",
]

SECRET = [
    TOKEN,
    f"the key is {TOKEN}, do not lose it",
    DRAWN,
    f"password={DRAWN}",
    "ghp_x6C7eQ2FkV2c6p12Ew7L0c8tZ3g7Ae1mR4Ya",
    "qJ4lrXUtnF3MI/K7MD3NG/bPxRfiC9kQv2Lw8Zy+",
    "hvs.CAESIJxT7mVb3q9ZkRp2LwYd84NcQs6HfA1u",
    IDENTITY,
    "https://user:Zk3QpX91mTrv8LbYw2NcD7sHf5Jg@example.com/",
    "https://example.com/hook?token=Zk3QpX91mTrv8LbYw2NcD7sHf5Jg",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_what_people_write_is_not_suspected(text) -> None:
    """Names, links, ids, digests, addresses: none of them is a secret."""
    assert not looks_secret(text)


@pytest.mark.parametrize("text", SECRET, ids=range(len(SECRET)))
def test_what_chance_drew_is_suspected(text) -> None:
    """Keys of ours, other programs' tokens, passwords, in the middle of a sentence too."""
    assert looks_secret(text)
    assert redacted(text) != text


def test_a_key_of_ours_is_found_by_its_form_alone() -> None:
    """A key with one wrong letter gives almost all of its secret away."""
    key = compose(prefix="krk", environment="prod", version_id="0" * 12, secret="a" * 43).reveal()
    wrong = f"{key[:-1]}{'0' if key[-1] != '0' else '1'}"
    assert [m[0] for m in find_tokens(f"x {key}\n{wrong}.")] == [key, wrong]
    assert redacted(f"x {key}\n{wrong}.") == "x [redacted]\n[redacted]."


def test_most_drawn_words_of_32_digits_are_suspected() -> None:
    """Of a thousand random words in base 62 at least 960: this is a net, not a wall."""
    drawing = random.Random(1)
    words = [
        "".join(drawing.choices(string.ascii_letters + string.digits, k=32)) for _ in range(1000)
    ]
    assert sum(map(looks_secret, words)) >= 960
