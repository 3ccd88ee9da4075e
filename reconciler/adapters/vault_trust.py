"""Whether the configured Vault is the one that the stored policy trusts: asked before anything is
sent, for a server that only repeats another one's id would be shown a credential and a secret.

Mount and prefix are the matter of `vault_place`, the id of the cluster of whoever uses the sink.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.vault_place import endpoint_of
from reconciler.config import VaultAuth, VaultAuthMethod, VaultSettings
from reconciler.errors import SinkMisconfigured
from reconciler.model.policy import Issuer, Policy
from reconciler.model.vault_address import read_endpoint

_PROOFS = ("caCert", "caPath", "tlsServerName")
"""What says which certificate the server has to show."""


def require_trusted(settings: VaultSettings, policy: Policy) -> None:
    """Return where the configuration leads to the pinned Vault, and shows it nothing of keyrec's.

    Raises:
        SinkMisconfigured: it leads elsewhere, or there is no address.
    """
    if policy.sink.address is not None:
        _require_address(settings, policy.sink.address)
        _require_proof(settings, policy.sink.address)
    _require_own_audience(settings.auth, policy.issuers)


def _require_address(settings: VaultSettings, pinned: str) -> None:
    found = endpoint_of(settings.address)
    if found == read_endpoint(pinned):
        return
    is_written = "address" in settings.from_file
    origin = "sink.vault.address in keyrec.yaml" if is_written else "VAULT_ADDR or BAO_ADDR"
    raise SinkMisconfigured(
        f"Vault is to be reached at {found} ({origin}), but the stored policy pins {pinned}: "
        "nothing was sent.",
        advice="Correct the address. Where it is meant, a platform admin first applies a change of "
        "spec.sink.address in the Policy.",
    )


def _require_proof(settings: VaultSettings, pinned: str) -> None:
    """A file that names a proxy and what its certificate is held against pins nothing."""
    said = [name for name in _PROOFS if name in settings.from_file]
    if "proxyAddress" in settings.from_file and said:
        raise SinkMisconfigured(
            f"keyrec.yaml leads what is meant for {pinned} to a proxy, and says itself by which "
            f"certificate to know the server ({said[0]}): nothing was sent.",
            advice="Name the proxy in VAULT_PROXY_ADDR instead, in the environment of the job.",
        )


def _require_own_audience(auth: VaultAuth, issuers: Iterable[Issuer]) -> None:
    """A token that is asked for and shown to Vault must not be one that keyrec itself believes."""
    is_asked_for = auth.method is VaultAuthMethod.JWT and auth.jwt is None and auth.jwt_file is None
    audience = (auth.audience or "").strip()
    shared = [i.name for i in issuers if i.audience.strip() == audience]
    if is_asked_for and shared:
        raise SinkMisconfigured(
            "The token to be shown to Vault would have the audience of the policy's issuer "
            f"{shared[0]}: whoever takes it could apply with it.",
            advice="Give sink.vault.auth.audience, and the role in Vault, one of their own, such "
            "as the address of Vault.",
        )
