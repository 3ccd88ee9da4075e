"""What a manifest may say of where a server is: the address of the Vault that a policy pins."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from pydantic import PlainValidator

from reconciler.manifest.codes import Code
from reconciler.manifest.refusal import refuse, text_value
from reconciler.manifest.schema_texts import text_schema, whole
from reconciler.manifest.snippets import quoted
from reconciler.model.vault_address import read_endpoint

_HOST = r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]"
_THIS_MACHINE = r"127(\.[0-9]{1,3}){3}|localhost|\[[0:]*:0*1\]"
_REST = "(:[0-9]{1,5})?/?"
VAULT_ADDRESS_PATTERN: Final = f"https://({_HOST}){_REST}|http://({_THIS_MACHINE}){_REST}"


def _vault_address(value: object) -> str:
    """Take the address in its one form."""
    text = text_value(value, "an address")
    is_plain_text = re.fullmatch(VAULT_ADDRESS_PATTERN, text, re.ASCII)
    endpoint = read_endpoint(text) if is_plain_text else None
    if endpoint is None or not endpoint.is_private:
        refuse(
            Code.BAD_ADDRESS,
            f"{quoted(text)} is not the address of a Vault",
            "write https://host:port and nothing behind it, such as https://vault.example:8200; "
            "plain http is taken to this machine alone",
        )
    return str(endpoint)


VaultAddress: TypeAlias = Annotated[
    str, PlainValidator(_vault_address), text_schema(pattern=whole(VAULT_ADDRESS_PATTERN))
]
