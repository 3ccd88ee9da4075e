"""The form of the sections `verification` and `server` of `keyrec.yaml`.

No field takes a secret: the key of the TLS certificate is a file that is named here.

Compatibility: `keyrec/v1`. Fields are only added, each optional.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.config.sections import DURATION_PATTERN, Filled, Section, Text
from reconciler.config.serving import (
    MAX_STALE,
    REVOCATION_BOUND,
    Disclosure,
    ServerSettings,
    VerificationSettings,
)

REALM_PATTERN = r"^[A-Za-z0-9._:/-]([A-Za-z0-9 ._:/-]{0,62}[A-Za-z0-9._:/-])?$"
HEADER_PATTERN = r"^[A-Za-z0-9-]{1,64}$"
MOST_WORKERS = 64

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class VerificationSection(Section):
    """What a verifier of presented keys expects and promises."""

    environment: Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")] | None = Field(
        default=None,
        title="Environment",
        description="Only keys of this environment are accepted. Default: any.",
        examples=["prod"],
    )
    revocation_bound: Annotated[str, Field(pattern=DURATION_PATTERN)] | None = Field(
        default=None,
        title="Revocation bound",
        description="How long an ended key may still be accepted while the store answers. "
        "Default 1s.",
        examples=["1s"],
    )
    max_stale: Annotated[str, Field(pattern=DURATION_PATTERN)] | None = Field(
        default=None,
        title="Longest time without the store",
        description="How long keys that were proven are accepted while the store does not answer; "
        "then none is. Default 10s.",
        examples=["10s"],
    )
    cache_entries: Annotated[int, Field(ge=100, le=1_000_000)] | None = Field(
        default=None,
        title="Remembered keys",
        description="How many proven keys each process remembers. Default 10000.",
    )


class ServerSection(Section):
    """The HTTP endpoint, `keyrec serve`."""

    host: Text = Field(
        default=None,
        title="Address to listen on",
        description="Default 127.0.0.1. Elsewhere keys travel in the clear without TLS.",
        examples=["127.0.0.1"],
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, title="Port", description="Default 8321."
    )
    health_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None,
        title="Port of health and metrics",
        description="A listener of their own. Default: the same as for everything else.",
        examples=[8322],
    )
    workers: Annotated[int, Field(ge=1, le=MOST_WORKERS)] | None = Field(
        default=None, title="Workers", description="Processes that answer. Default 1."
    )
    trusted_proxies: Annotated[list[Filled], Field(min_length=1)] | None = Field(
        default=None,
        title="Trusted proxies",
        description="Addresses and ranges of the proxies whose forwarding headers are believed; "
        "unix stands for the peers of a Unix socket. Default: none.",
        examples=[["10.0.0.0/8"]],
    )
    client_address_header: Annotated[str, Field(pattern=HEADER_PATTERN)] | None = Field(
        default=None,
        title="Header with the client's address",
        description="One header that alone names the client. Default: X-Forwarded-For, hop by hop.",
        examples=["X-Real-IP"],
    )
    disclosure: Literal["holder", "terse"] | None = Field(
        default=None,
        title="Disclosure",
        description="Whether the holder of a key is told why it is refused. Default holder.",
    )
    realm: Annotated[str, Field(pattern=REALM_PATTERN)] | None = Field(
        default=None,
        title="Realm",
        description="What challenges call the protected place. Default keyrec.",
        examples=["keyrec"],
    )
    tls_certificate: Text = Field(
        default=None,
        title="TLS certificate",
        description="PEM file with the certificate and those that lead to its authority.",
    )
    tls_key: Text = Field(
        default=None,
        title="TLS key",
        description="PEM file with the certificate's key, without a passphrase.",
    )


def refused_serving(values: Mapping[str, Any]) -> Iterator[str]:
    """Say which of the chosen values, by dotted path, do not go together."""
    revocation = _duration(values, "verification.revocationBound", REVOCATION_BOUND)
    if not timedelta(0) < revocation <= _duration(values, "verification.maxStale", MAX_STALE):
        yield (
            "verification.revocationBound: has to be more than 0 and at most verification.maxStale"
        )


def verification_of(values: Mapping[str, Any]) -> VerificationSettings:
    """Build the settings of verifiers from valid values by dotted path."""
    default = VerificationSettings()
    return VerificationSettings(
        environment=values.get("verification.environment"),
        revocation_bound=_duration(values, "verification.revocationBound", REVOCATION_BOUND),
        max_stale=_duration(values, "verification.maxStale", MAX_STALE),
        cache_entries=values.get("verification.cacheEntries", default.cache_entries),
    )


def server_of(values: Mapping[str, Any]) -> ServerSettings:
    """Build the settings of the endpoint from valid values by dotted path."""
    default = ServerSettings()
    return ServerSettings(
        host=values.get("server.host", default.host),
        port=values.get("server.port", default.port),
        health_port=values.get("server.healthPort"),
        workers=values.get("server.workers", default.workers),
        trusted_proxies=tuple(values.get("server.trustedProxies", ())),
        client_address_header=values.get("server.clientAddressHeader"),
        disclosure=Disclosure(values.get("server.disclosure", default.disclosure)),
        realm=values.get("server.realm", default.realm),
        tls_certificate=values.get("server.tlsCertificate"),
        tls_key=values.get("server.tlsKey"),
    )


def seconds(text: str) -> float:
    """Read a duration that is of the pattern; a bare number is of seconds."""
    unit = next((u for u in _UNITS if text.endswith(u)), "")
    return float(text.removesuffix(unit)) * _UNITS.get(unit, 1.0)


def _duration(values: Mapping[str, Any], path: str, default: timedelta) -> timedelta:
    text = values.get(path)
    return default if text is None else timedelta(seconds=seconds(text))
