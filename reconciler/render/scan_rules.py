"""Our keys as other scanners look for them: a rule of gitleaks, a custom detector of TruffleHog.

Compatibility: both follow the frozen grammar of `model/token.py` for one prefix; the files under
`integrations/leaks` are what is written here for the default prefix. Neither scanner can check a
checksum: `keyrec scan` judges what they find. Sources: gitleaks' configuration, TruffleHog's
custom detectors; both use RE2, so there is no look-around, and no boundary: a key may stand behind
any other text.
"""

from __future__ import annotations

from reconciler.model.token import (
    CHECKSUM_LENGTH,
    ENVIRONMENT_PATTERN,
    ID_LENGTH,
    SECRET_LENGTH,
)

LEAST_ENTROPY = 4
"""Bits for each character. A key has more than 4.5, a placeholder has fewer."""
_ADVICE = "end it with: keyrec rotate ID --leaked, where ID is its third part"


def rule_pattern(prefix: str) -> str:
    """Give the regular expression of keys with this prefix."""
    return (
        rf"({prefix}_{ENVIRONMENT_PATTERN}_[0-9A-Za-z]{{{ID_LENGTH}}}"
        rf"_[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}})"
    )


def gitleaks_rule(prefix: str) -> str:
    """Give a gitleaks configuration: its own rules, and one for our keys."""
    return f"""\
# Made by `keyrec scan --rule gitleaks`, for keys with the prefix {prefix}.
# To add the rule to a configuration of yours, copy what follows [[rules]].
title = "keyrec"

[extend]
useDefault = true

[[rules]]
id = "keyrec-api-key"
description = "An API key made by keyrec; {_ADVICE}"
regex = '''{rule_pattern(prefix)}'''
secretGroup = 1
entropy = {LEAST_ENTROPY}
keywords = ["{prefix}_"]
"""


def trufflehog_detector(prefix: str) -> str:
    """Give a TruffleHog configuration with one custom detector; it verifies nothing."""
    return f"""\
# Made by `keyrec scan --rule trufflehog`, for keys with the prefix {prefix}.
# No `verify`: nobody should send a found key anywhere; {_ADVICE}.
detectors:
  - name: keyrec API key
    keywords:
      - {prefix}_
    regex:
      key: '{rule_pattern(prefix)}'
"""
