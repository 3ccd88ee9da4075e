"""How to reach things: `keyrec.yaml`, environment variables and flags become one `Settings`.

Nothing here says what is trusted: that is the stored policy. This room is the only reader of the
process environment. It stands just above `errors`, so every other room may read settings.
"""

from reconciler.config.document import ConfigDocument
from reconciler.config.resolve import DEFAULT_FILE, config_file, environment, settings_from
from reconciler.config.serving import Disclosure, ServerSettings, VerificationSettings
from reconciler.config.settings import (
    AgeSettings,
    IdentitySettings,
    Settings,
    StoreSettings,
    TokenRequest,
    VaultAuth,
    VaultAuthMethod,
    VaultSettings,
    VaultTls,
)
from reconciler.config.variables import CONFIG_VARIABLE

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_FILE",
    "AgeSettings",
    "ConfigDocument",
    "Disclosure",
    "IdentitySettings",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "TokenRequest",
    "VaultAuth",
    "VaultAuthMethod",
    "VaultSettings",
    "VaultTls",
    "VerificationSettings",
    "config_file",
    "environment",
    "settings_from",
]
