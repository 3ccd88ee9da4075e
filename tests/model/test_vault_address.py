"""Two addresses of a Vault are the same where scheme, host and port are."""

from __future__ import annotations

import pytest

from reconciler.model.vault_address import read_endpoint


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("https://vault.example:8200", "https://vault.example:8200"),
        ("https://Vault.Example:443/", "https://vault.example"),
        ("https://vault.example", "https://vault.example"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.0.0.1:443", "http://127.0.0.1:443"),
        ("https://[2001:DB8:0:0::1]:8200", "https://[2001:db8::1]:8200"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_an_address_has_one_form_and_is_read_back_from_it(written: str, form: str) -> None:
    """What policies hold is what is compared."""
    endpoint = read_endpoint(written)
    assert str(endpoint) == form
    assert read_endpoint(form) == endpoint


@pytest.mark.parametrize(
    "other",
    [
        "http://vault.example:8200",
        "https://vault.example",
        "https://vault.example:8201",
        "https://vault.example.:8200",
        "https://vault.example.evil:8200",
        "https://vault.example:8200.evil",
        "https://vault.example:8200@evil",
        "https://vault.example:8200\\@evil",
        "https://vault.example:8200/v1",
        "https://vault.example:8200?x",
        "https://vault.example:8200#x",
    ],
)
def test_what_is_not_the_same_place_is_not_the_same_address(other: str) -> None:
    """Whatever else an address says is another one, or none."""
    assert read_endpoint(other) != read_endpoint("https://vault.example:8200")
