"""Keys that nobody ever issued, made when a test runs: no file of the repository holds one."""

from __future__ import annotations

from reconciler.model.token import compose

ID = "0123456789ab"
OTHER_ID = "ba9876543210"


def key(version_id: str = ID, *, prefix: str = "krk", environment: str = "prod") -> str:
    """Make a key whose checksum fits."""
    return compose(
        prefix=prefix, environment=environment, version_id=version_id, secret="Ab3" * 14 + "Z"
    ).reveal()


def secret_of(one: str) -> str:
    """Give the part of a key that nothing may show."""
    return one.split("_")[3]
