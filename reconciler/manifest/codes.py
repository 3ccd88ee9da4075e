"""The names of every reason to refuse a manifest.

The rule that lives here: which refusals exist, under which stable name. Machines and the reference
(`docs/reference/manifests.md`) know a refusal by it; how it is found and worded lives elsewhere.
Compatibility: a name is never given another meaning; new ones are added.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Why a manifest is refused."""

    # the text (reading)
    TOO_LARGE = "too-large"
    NOT_UTF8 = "not-utf8"
    UNPRINTABLE = "unprintable"
    YAML_SYNTAX = "yaml-syntax"
    DUPLICATE_KEY = "duplicate-key"
    ANCHOR = "anchor"
    ALIAS = "alias"
    MERGE_KEY = "merge-key"
    TAG = "tag"
    TOO_DEEP = "too-deep"
    KEY_NOT_TEXT = "key-not-text"
    SECRET_LIKE = "secret-like"  # noqa: S105 - the name of a refusal

    # one document (schema)
    NOT_A_MANIFEST = "not-a-manifest"
    API_VERSION = "api-version"
    UNKNOWN_KIND = "unknown-kind"
    CONFIG_AMONG_MANIFESTS = "config-among-manifests"
    MISSING_FIELD = "missing-field"
    UNKNOWN_FIELD = "unknown-field"
    EMPTY_VALUE = "empty-value"
    WRONG_TYPE = "wrong-type"
    BAD_NAME = "bad-name"
    BAD_ENVIRONMENT = "bad-environment"
    BAD_TEXT = "bad-text"
    BAD_NUMBER = "bad-number"
    BAD_CHOICE = "bad-choice"
    BAD_EXPIRATION = "bad-expiration"
    BAD_DURATION = "bad-duration"
    BAD_RANGE = "bad-range"
    EMPTY_ALLOWLIST = "empty-allowlist"
    EMPTY_LIST = "empty-list"
    DUPLICATE_ITEM = "duplicate-item"
    BAD_PRINCIPAL = "bad-principal"
    BAD_RECIPIENT = "bad-recipient"
    BAD_ISSUER = "bad-issuer"
    RESERVED_CLAIM = "reserved-claim"
    BAD_RULE = "bad-rule"
    BAD_DAY = "bad-day"
    BAD_ADDRESS = "bad-address"
    BAD_PATH = "bad-path"
    BAD_TEMPLATE = "bad-template"

    # across documents (rules)
    DUPLICATE_NAME = "duplicate-name"
    REMOVED_AND_DECLARED = "removed-and-declared"
    UNKNOWN_WORKSPACE = "unknown-workspace"
    UNKNOWN_NETWORK = "unknown-network"
    FOREIGN_NETWORK = "foreign-network"
    UNKNOWN_SCOPE = "unknown-scope"
    UNKNOWN_LEVEL = "unknown-level"
    EXPIRATION_NOT_ALLOWED = "expiration-not-allowed"
    OVERLAP_TOO_LONG = "overlap-too-long"
    PATH_OUTSIDE_WORKSPACE = "path-outside-workspace"
    PATH_SHARED = "path-shared"
    PREVIOUS_NAME = "previous-name"
    SINK_FIELDS = "sink-fields"
    NO_ISSUER = "no-issuer"
    NO_ADMIN = "no-admin"
    ISSUER_SHARED = "issuer-shared"
    CLAIMS_SHARED = "claims-shared"
