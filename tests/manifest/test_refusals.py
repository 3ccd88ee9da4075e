"""Every refusal of a manifest, with its exact message, its mend and its place.

One row per refusal; a row says what is wrong, gives the files, and what is reported about them.
"""

from dataclasses import dataclass, replace

import pytest

from reconciler.manifest.assembly import Known
from reconciler.manifest.codes import Code
from reconciler.model.lifetime import Expiration
from reconciler.model.policy import Policy, SinkPolicy
from reconciler.model.source import Problem
from reconciler.model.workspaces import Workspace, WorkspaceDefaults
from tests.manifest.manifests import DRAWN, HEAD, IDENTITY, STORE, TOKEN, refused


def document(kind: str, metadata: str) -> str:
    """Give the first four lines of a document; what a test adds starts at line 5, below spec."""
    return f"apiVersion: keyrec/v1\nkind: {kind}\nmetadata: {{{metadata}}}\nspec:\n"


WORKSPACE = document("Workspace", "name: payments")
NETWORK = document("NetworkSet", "name: ci-runners")
CATALOG = document("ScopeCatalog", "name: default") + "  resources:\n"
REMOVAL = document("KeyRemoval", "name: billing-sync-prod, workspace: payments")
POLICY = document("Policy", "name: default")
TRUSTED = POLICY + (
    "  authorization:\n    issuers:\n      github:\n        url: https://issuer.example\n    "
)
"""Eight lines; what a test adds starts within line 9, with the other fields of the issuer."""

STRICT_STORE = replace(STORE, policy=Policy(expirations=(Expiration.MONTH, Expiration.QUARTER)))
BROKEN_STORE = replace(
    STORE,
    workspaces={
        "payments": Workspace(
            name="payments", defaults=WorkspaceDefaults(allowlist=("network:gone",))
        )
    },
)
TEMPLATE_STORE = replace(
    STORE, policy=Policy(sink=SinkPolicy(path="{workspace}/" + "x" * 500 + "/{name}"))
)


@dataclass(frozen=True)
class Case:
    """What is wrong, in which files (named keys/a.yaml, keys/b.yaml), beside which store."""

    wrong: str
    files: list[str | bytes]
    store: Known | None
    said: tuple[str, ...]


CASES = [
    # --- the text
    Case(
        "a duplicate key",
        [HEAD + "  active: true\n  active: false\n"],
        None,
        ("keys/a.yaml:9:3 duplicate-key: this key already stands at line 8 → keep one of the two",),
    ),
    Case(
        "an anchor and an alias",
        [HEAD + "  labels: &a {b: c}\n  secret: *a\n"],
        None,
        (
            "keys/a.yaml:8:3 unknown-field: there is no field labels in spec → it belongs to metadata",
            "keys/a.yaml:8:11 anchor: anchors are not read → take the & and its name out, and write the value out where it is used; quote a text that starts with &",
            "keys/a.yaml:9:11 alias: aliases are not read → write the value out where it is used",
        ),
    ),
    Case(
        "a merge key",
        [HEAD + "  <<: {active: true}\n"],
        None,
        (
            "keys/a.yaml:8:3 merge-key: merge keys are not read → write the fields out; what keys share belongs into the workspace's defaults",
        ),
    ),
    Case(
        "a tag",
        [HEAD + "  active: !!bool true\n"],
        None,
        (
            "keys/a.yaml:8:11 tag: tags are not read → take the tag out; quote a text that starts with !",
        ),
    ),
    Case(
        "a key that is no scalar",
        [HEAD + "  {active: true}: x\n"],
        None,
        (
            "keys/a.yaml:8:3 key-not-text: only plain text can be a key → quote the key, or quote the value where {…} or […] was meant as text",
        ),
    ),
    Case(
        "nesting over 20 levels",
        ["[" * 21],
        None,
        (
            "keys/a.yaml:1:21 too-deep: this is nested deeper than 20 levels → no manifest needs more than six levels; the rest of the file was not read",
        ),
    ),
    Case(
        "a file over 1 MiB",
        [b"#" * (1024 * 1024 + 1)],
        None,
        ("keys/a.yaml:1:1 too-large: a manifest file holds at most 1 MiB → split it",),
    ),
    Case(
        "a file that is not UTF-8",
        [HEAD.encode() + b"  # caf\xe9\n"],
        None,
        ("keys/a.yaml:8:8 not-utf8: this is not UTF-8 → save the file as UTF-8",),
    ),
    Case(
        "a character nobody sees",
        [HEAD + "  # \u202e\n"],
        None,
        ("keys/a.yaml:8:5 unprintable: the character U+202E cannot be seen → take it out",),
    ),
    Case(
        "a tab",
        [HEAD + "\tactive: true\n"],
        None,
        (
            "keys/a.yaml:8:1 yaml-syntax: this is not YAML; the file is read up to here → indent with spaces, never with tabs",
        ),
    ),
    Case(
        "a colon in a plain text",
        [HEAD + "  a: b: c\n"],
        None,
        (
            "keys/a.yaml:8:7 yaml-syntax: this is not YAML; the file is read up to here → quote a value that holds a colon and a space, or mend the columns of the keys",
        ),
    ),
    Case(
        "a quote that never ends",
        [HEAD + "  active: 'true\n"],
        None,
        (
            "keys/a.yaml:9:1 yaml-syntax: this is not YAML; the file is read up to here → close the quote or the bracket that was opened",
        ),
    ),
    Case(
        "keys in different columns",
        [HEAD + "   active: true\n"],
        None,
        (
            "keys/a.yaml:8:10 yaml-syntax: this is not YAML; the file is read up to here → quote a value that holds a colon and a space, or mend the columns of the keys",
        ),
    ),
    Case(
        "a bracket that never ends",
        [HEAD + "  allowlist: [10.0.0.0/8\n"],
        None,
        (
            "keys/a.yaml:9:1 yaml-syntax: this is not YAML; the file is read up to here → close the bracket that was opened, with commas between its items",
        ),
    ),
    Case(
        "a text that starts with @",
        [HEAD + "  active: @true\n"],
        None,
        (
            "keys/a.yaml:8:11 yaml-syntax: this is not YAML; the file is read up to here → indent with spaces, and quote a text that starts with @, ` or %",
        ),
    ),
    Case(
        "an empty value",
        [HEAD + "  allowlist:\n    # - 10.0.0.0/8\n"],
        None,
        (
            "keys/a.yaml:8:3 empty-value: there is no value here → write a value, or take the whole line out",
        ),
    ),
    Case(
        "a key of ours in a comment",
        [HEAD + f"  # {TOKEN}\n"],
        None,
        (
            "keys/a.yaml:8:5 secret-like: this looks like an API key → take it out and replace it, for it is no secret any more: keyrec rotate NAME --leaked",
        ),
    ),
    Case(
        "an age identity",
        [HEAD + f"  # {IDENTITY}\n"],
        None,
        (
            "keys/a.yaml:8:5 secret-like: this looks like an age identity → take it out and replace it, for it is no secret any more: make another identity",
        ),
    ),
    Case(
        "a word drawn by chance in a description",
        [HEAD.replace("metadata:", f"metadata:\n  description: the password is {DRAWN}")],
        None,
        (
            "keys/a.yaml:4:16 secret-like: this looks like a secret → take it out and replace it, for it is no secret any more; where it is none, write it in shorter words",
        ),
    ),
    Case(
        "a word drawn by chance in a label",
        [HEAD.replace("metadata:", f"metadata:\n  labels: {{pin: {DRAWN}}}")],
        None,
        (
            "keys/a.yaml:4:17 secret-like: this looks like a secret → take it out and replace it, for it is no secret any more; where it is none, write it in shorter words",
        ),
    ),
    Case(
        "a word drawn by chance as owner",
        [HEAD.replace("metadata:", f"metadata:\n  owner: {DRAWN}")],
        None,
        (
            "keys/a.yaml:4:10 secret-like: this looks like a secret → take it out and replace it, for it is no secret any more; where it is none, write it in shorter words",
        ),
    ),
    Case(
        "a key of ours that escapes hide",
        [HEAD.replace("metadata:", 'metadata:\n  owner: "' + TOKEN.replace("_", "\\x5f") + '"')],
        None,
        (
            "keys/a.yaml:4:10 secret-like: this looks like a secret → take it out and replace it, for it is no secret any more; where it is none, write it in shorter words",
        ),
    ),
    # --- one document
    Case(
        "no mapping",
        ["- a\n"],
        None,
        (
            "keys/a.yaml:1:1 not-a-manifest: a manifest is a mapping, not a list → start with apiVersion: keyrec/v1 and kind: ApiKey",
        ),
    ),
    Case(
        "no kind",
        [HEAD.replace("kind: ApiKey\n", "")],
        None,
        (
            "keys/a.yaml:1:1 missing-field: kind is missing → add kind: and one of ApiKey, Workspace, NetworkSet, ScopeCatalog, KeyRemoval, Policy, Waiver",
        ),
    ),
    Case(
        "an unknown kind",
        [HEAD.replace("ApiKey", "ApiKeys")],
        None,
        ('keys/a.yaml:2:7 unknown-kind: there is no kind "ApiKeys" → did you mean ApiKey?',),
    ),
    Case(
        "a kind nothing like the known ones",
        [HEAD.replace("ApiKey", "Secret")],
        None,
        (
            'keys/a.yaml:2:7 unknown-kind: there is no kind "Secret" → there are ApiKey, Workspace, NetworkSet, ScopeCatalog, KeyRemoval, Policy, Waiver',
        ),
    ),
    Case(
        "a Config among manifests",
        [HEAD.replace("ApiKey", "Config")],
        None,
        (
            "keys/a.yaml:2:7 config-among-manifests: a Config is no manifest → keep it as keyrec.yaml, outside of the folders that it names under manifests",
        ),
    ),
    Case(
        "another API version",
        [HEAD.replace("keyrec/v1", "v1")],
        None,
        (
            'keys/a.yaml:1:13 api-version: apiVersion has to be keyrec/v1, not "v1" → write keyrec/v1',
        ),
    ),
    Case(
        "missing fields",
        ["apiVersion: keyrec/v1\nkind: ApiKey\nmetadata: {workspace: payments}\nspec: {}\n"],
        None,
        (
            "keys/a.yaml:3:1 missing-field: metadata.name is missing → add name: billing-sync-prod",
            "keys/a.yaml:4:1 missing-field: spec.environment is missing → add environment: prod",
        ),
    ),
    Case(
        "an unknown field with a near one",
        [HEAD + "  scops: {}\n"],
        None,
        ("keys/a.yaml:8:3 unknown-field: there is no field scops in spec → did you mean scopes?",),
    ),
    Case(
        "an unknown field that belongs elsewhere",
        [HEAD + "  owner: team\n"],
        None,
        (
            "keys/a.yaml:8:3 unknown-field: there is no field owner in spec → it belongs to metadata",
        ),
    ),
    Case(
        "an unknown field",
        [HEAD + "  frobnicate: {}\n"],
        None,
        (
            "keys/a.yaml:8:3 unknown-field: there is no field frobnicate in spec → there are environment, scopes, allowlist, expiration, active, protected, rotation, reissue, secret",
        ),
    ),
    Case(
        "a section that is a text",
        [HEAD + "  rotation: fast\n"],
        None,
        (
            'keys/a.yaml:8:13 wrong-type: spec.rotation has to be a mapping, not "fast" → write fields below it, indented by two spaces',
        ),
    ),
    Case(
        "a list that is a text",
        [HEAD + "  allowlist: 10.0.0.0/8\n"],
        None,
        (
            'keys/a.yaml:8:14 wrong-type: spec.allowlist has to be a list, not "10.0.0.0/8" → write items below it, each after a dash and a space',
        ),
    ),
    Case(
        "a mapping that is a list",
        [HEAD + "  scopes: [Reviews]\n"],
        None,
        (
            "keys/a.yaml:8:3 wrong-type: spec.scopes has to be a mapping, not a list → write fields below it, indented by two spaces",
        ),
    ),
    Case(
        "a scope's level that is a number",
        [HEAD + "  scopes: {Reviews: 1}\n"],
        None,
        (
            "keys/a.yaml:8:21 wrong-type: spec.scopes.Reviews has to be a text, not 1 → write it in quotes",
        ),
    ),
    Case(
        "a name of capitals",
        [HEAD.replace("billing-sync-prod", "Billing_Sync")],
        None,
        (
            'keys/a.yaml:4:9 bad-name: "Billing_Sync" is not a name → names hold a-z, 0-9 and -, start and end with a letter or a digit, and are at most 63 long, such as billing-sync-prod',
        ),
    ),
    Case(
        "a name of 64 characters",
        [HEAD.replace("billing-sync-prod", "a" * 64)],
        None,
        (
            'keys/a.yaml:4:9 bad-name: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is not a name → names hold a-z, 0-9 and -, start and end with a letter or a digit, and are at most 63 long, such as billing-sync-prod',
        ),
    ),
    Case(
        "a name that is a number",
        [HEAD.replace("billing-sync-prod", "2026")],
        None,
        ('keys/a.yaml:4:9 wrong-type: a name is a text, not 2026 → write "2026" with quotes',),
    ),
    Case(
        "an environment with a dash",
        [HEAD.replace("environment: prod", "environment: eu-west")],
        None,
        (
            'keys/a.yaml:7:16 bad-environment: "eu-west" is not an environment → environments hold a-z and 0-9 alone and are at most 16 long, such as prod',
        ),
    ),
    Case(
        "an environment of 17 characters",
        [HEAD.replace("environment: prod", "environment: " + "p" * 17)],
        None,
        (
            'keys/a.yaml:7:16 bad-environment: "ppppppppppppppppp" is not an environment → environments hold a-z and 0-9 alone and are at most 16 long, such as prod',
        ),
    ),
    Case(
        "an expiration nobody offers",
        [HEAD + "  expiration: 60d\n"],
        None,
        (
            'keys/a.yaml:8:15 bad-expiration: "60d" is not an expiration → choose one of none, 1h, 1d, 7d, 30d, 90d, 180d, 360d',
        ),
    ),
    Case(
        "a date as expiration",
        [HEAD + "  expiration: 2027-01-15\n"],
        None,
        (
            'keys/a.yaml:8:15 bad-expiration: "2027-01-15" is not an expiration → choose one of none, 1h, 1d, 7d, 30d, 90d, 180d, 360d',
        ),
    ),
    Case(
        "no as a flag",
        [HEAD + "  active: no\n"],
        None,
        ('keys/a.yaml:8:11 wrong-type: "no" is neither true nor false → write false',),
    ),
    Case(
        "True as a flag",
        [HEAD + "  protected: True\n"],
        None,
        ('keys/a.yaml:8:14 wrong-type: "True" is neither true nor false → write true',),
    ),
    Case(
        "a number as a flag",
        [HEAD + "  active: 1\n"],
        None,
        ("keys/a.yaml:8:11 wrong-type: 1 is neither true nor false → write true or false",),
    ),
    Case(
        "22:22:22 as a duration",
        [HEAD + "  rotation: {every: 22:22:22}\n"],
        None,
        (
            'keys/a.yaml:8:21 bad-duration: "22:22:22" is not a duration → write a whole number and one of m, h, d, such as 24h or 30d',
        ),
    ),
    Case(
        "a number as a duration",
        [HEAD + "  rotation: {overlap: 24}\n"],
        None,
        (
            "keys/a.yaml:8:23 bad-duration: 24 is not a duration → write a whole number and one of m, h, d, such as 24h or 30d",
        ),
    ),
    Case(
        "010 as a number",
        [HEAD + "  rotation: {generation: 010}\n"],
        None,
        (
            'keys/a.yaml:8:26 bad-number: "010" is not a whole number from 1 → write digits alone, without quotes and leading zeros, such as 2',
        ),
    ),
    Case(
        "1e3 as a number",
        [HEAD + "  reissue: 1e3\n"],
        None,
        (
            'keys/a.yaml:8:12 bad-number: "1e3" is not a whole number from 1 → write digits alone, without quotes and leading zeros, such as 2',
        ),
    ),
    Case(
        "generation 0",
        [HEAD + "  rotation: {generation: 0}\n"],
        None,
        (
            "keys/a.yaml:8:26 bad-number: 0 is not a whole number from 1 → write digits alone, without quotes and leading zeros, such as 2",
        ),
    ),
    Case(
        "reissue 0",
        [HEAD + "  reissue: 0\n"],
        None,
        (
            "keys/a.yaml:8:12 bad-number: 0 is not a whole number from 1 → write digits alone, without quotes and leading zeros, such as 2",
        ),
    ),
    Case(
        "a version that no path has",
        [HEAD + "  secret: {adopt: 0}\n"],
        None,
        (
            "keys/a.yaml:8:19 bad-number: 0 is not a whole number from 1 → write digits alone, without quotes and leading zeros, such as 2",
        ),
    ),
    Case(
        "a version in words",
        [HEAD + "  secret: {adopt: latest}\n"],
        None,
        (
            'keys/a.yaml:8:19 bad-number: "latest" is not a whole number from 1 → write digits alone, without quotes and leading zeros, such as 2',
        ),
    ),
    Case(
        "a version to be adopted that is empty",
        [HEAD + "  secret: {adopt: }\n"],
        None,
        (
            "keys/a.yaml:8:12 empty-value: there is no value here → write a value, or take the whole line out",
        ),
    ),
    Case(
        "yes to an adoption",
        [HEAD.replace("spec:", "  adopt: yes\nspec:")],
        None,
        ('keys/a.yaml:6:10 wrong-type: "yes" is neither true nor false → write true',),
    ),
    Case(
        "a version where a record is adopted",
        [HEAD.replace("spec:", "  adopt: 7\nspec:")],
        None,
        ("keys/a.yaml:6:10 wrong-type: 7 is neither true nor false → write true or false",),
    ),
    Case(
        "an adoption in the wrong place",
        [HEAD + "  adopt: true\n"],
        None,
        (
            "keys/a.yaml:8:3 unknown-field: there is no field adopt in spec → it belongs to metadata",
        ),
    ),
    Case(
        "true as a number",
        [HEAD + "  reissue: true\n"],
        None,
        (
            "keys/a.yaml:8:12 bad-number: true is not a whole number from 1 → write digits alone, without quotes and leading zeros, such as 2",
        ),
    ),
    Case(
        "an empty allowlist",
        [HEAD + "  allowlist: []\n"],
        None,
        (
            "keys/a.yaml:8:3 empty-allowlist: an empty allowlist is no allowlist → name the ranges the key is used from, or take allowlist out to allow all",
        ),
    ),
    Case(
        "host bits",
        [HEAD + "  allowlist: [10.0.0.1/8]\n"],
        None,
        (
            "keys/a.yaml:8:15 bad-range: 10.0.0.1/8 has bits set beyond its prefix → write 10.0.0.0/8 for the range or 10.0.0.1/32 for the one address",
        ),
    ),
    Case(
        "a netmask",
        [HEAD + "  allowlist: [10.0.0.0/255.0.0.0]\n"],
        None,
        (
            'keys/a.yaml:8:15 bad-range: "10.0.0.0/255.0.0.0": only a prefix length may follow the slash, no netmask and no leading zero → write 10.0.0.0/8',
        ),
    ),
    Case(
        "a zone id",
        [HEAD + "  allowlist: ['fe80::1%eth0']\n"],
        None,
        (
            'keys/a.yaml:8:15 bad-range: "fe80::1%eth0": zone ids mean nothing to another machine → write fe80::1',
        ),
    ),
    Case(
        "leading zeros in an address",
        [HEAD + "  allowlist: [010.0.0.1]\n"],
        None,
        (
            'keys/a.yaml:8:15 bad-range: "010.0.0.1": leading zeros are octal to some programs and decimal to others → write 10.0.0.1',
        ),
    ),
    Case(
        "a leading zero in a prefix",
        [HEAD + "  allowlist: [10.0.0.0/08]\n"],
        None,
        (
            'keys/a.yaml:8:15 bad-range: "10.0.0.0/08": only a prefix length may follow the slash, no netmask and no leading zero → write 10.0.0.0/8',
        ),
    ),
    Case(
        "an IPv4-mapped range",
        [HEAD + "  allowlist: ['::ffff:192.0.2.0/120']\n"],
        None,
        (
            "keys/a.yaml:8:15 bad-range: ::ffff:192.0.2.0/120 is an IPv4-mapped address → write 192.0.2.0/24",
        ),
    ),
    Case(
        "a NAT64 range",
        [HEAD + "  allowlist: ['64:ff9b::/96']\n"],
        None,
        (
            "keys/a.yaml:8:15 bad-range: 64:ff9b::/96 is a NAT64 address → write the IPv4 range or the native IPv6 range of the callers",
        ),
    ),
    Case(
        "a 6to4 range",
        [HEAD + "  allowlist: ['2002::/16']\n"],
        None,
        (
            "keys/a.yaml:8:15 bad-range: 2002::/16 is a 6to4 address → write the IPv4 range or the native IPv6 range of the callers",
        ),
    ),
    Case(
        "a Teredo range",
        [HEAD + "  allowlist: ['2001::/32']\n"],
        None,
        (
            "keys/a.yaml:8:15 bad-range: 2001::/32 is a Teredo address → write the IPv4 range or the native IPv6 range of the callers",
        ),
    ),
    Case(
        "a prefix that is too long",
        [HEAD + "  allowlist: [10.0.0.0/33]\n"],
        None,
        (
            'keys/a.yaml:8:15 bad-range: "10.0.0.0/33": a prefix of 33 is longer than the address → IPv4 prefixes end at /32',
        ),
    ),
    Case(
        "a host name as range",
        [HEAD + "  allowlist: [ci.example.com]\n"],
        None,
        (
            'keys/a.yaml:8:15 bad-range: "ci.example.com": this is not an address or a range → write an address such as 203.0.113.7 or a range such as 203.0.113.0/24',
        ),
    ),
    Case(
        "a number as range",
        [HEAD + "  allowlist: [167772160]\n"],
        None,
        (
            "keys/a.yaml:8:15 bad-range: 167772160: this is not an address or a range → write an address such as 203.0.113.7 or a range such as 203.0.113.0/24",
        ),
    ),
    Case(
        "a list as range",
        [HEAD + "  allowlist: [[10.0.0.0/8]]\n"],
        None,
        (
            "keys/a.yaml:8:15 bad-range: a list: this is not an address or a range → write an address such as 203.0.113.7 or a range such as 203.0.113.0/24",
        ),
    ),
    Case(
        "an entry that is another mapping",
        [HEAD + "  allowlist: [{net: ci-runners}]\n"],
        None,
        (
            "keys/a.yaml:8:15 bad-range: an allowlist entry is a range, or a mapping with the one key network → write a range such as 203.0.113.0/24, or network: and the name of a NetworkSet",
        ),
    ),
    Case(
        "a network's name that is no name",
        [HEAD + "  allowlist: [{network: CI}]\n"],
        None,
        (
            'keys/a.yaml:8:15 bad-name: "CI" is not a name → write the name of a NetworkSet, such as network: ci-runners',
        ),
    ),
    Case(
        "a path that climbs",
        [HEAD + "  secret: {path: payments/../x}\n"],
        None,
        (
            "keys/a.yaml:8:18 bad-path: \"payments/../x\" is not a path: the segment '..' is not allowed: segments start with a letter, a digit or _ and hold letters, digits, _, . and - → write segments with / between them, such as payments/prod/billing-sync",
        ),
    ),
    Case(
        "a path with a leading slash",
        [HEAD + "  secret: {path: /payments/x}\n"],
        None,
        (
            "keys/a.yaml:8:18 bad-path: \"/payments/x\" is not a path: the segment '' is not allowed: segments start with a letter, a digit or _ and hold letters, digits, _, . and - → write segments with / between them, such as payments/prod/billing-sync",
        ),
    ),
    Case(
        "a label's name with a space",
        [HEAD.replace("metadata:", "metadata:\n  labels: {'a b': c}")],
        None,
        (
            'keys/a.yaml:4:12 bad-name: "a b" is not a label\'s name → labels are named with letters, digits, ., _, / and -, at most 63 long, such as system',
        ),
    ),
    Case(
        "a label that is a number",
        [HEAD.replace("metadata:", "metadata:\n  labels: {cost-center: 1234}")],
        None,
        ('keys/a.yaml:4:25 wrong-type: this is a text, not 1234 → write "1234" with quotes',),
    ),
    Case(
        "an escape sequence in a text",
        [HEAD.replace("metadata:", 'metadata:\n  description: "\\e[31m"')],
        None,
        ("keys/a.yaml:4:16 bad-text: the character U+001B is not allowed here → take it out",),
    ),
    Case(
        "a text of spaces",
        [HEAD.replace("metadata:", 'metadata:\n  owner: "  "')],
        None,
        (
            "keys/a.yaml:4:10 empty-value: there is no value here → write a value, or take the whole line out",
        ),
    ),
    Case(
        "a text that is too long",
        [HEAD.replace("metadata:", "metadata:\n  owner: " + "so " * 70 + "on")],
        None,
        ("keys/a.yaml:4:10 bad-text: this is 212 characters long → 200 are the most",),
    ),
    Case(
        "a principal without a colon",
        [WORKSPACE + "  admins: [alice]\n"],
        None,
        (
            'keys/a.yaml:5:12 bad-principal: "alice" is not a principal → write how they log in, a colon and their name, such as local:alice',
        ),
    ),
    Case(
        "a network without ranges",
        [NETWORK + "  ranges: []\n"],
        None,
        ("keys/a.yaml:5:3 empty-list: spec.ranges is empty → name at least one",),
    ),
    Case(
        "a catalogue of another name",
        [CATALOG.replace("default", "main") + "    Invoices: [read]\n"],
        None,
        ('keys/a.yaml:3:18 bad-name: metadata.name has to be default, not "main" → write default',),
    ),
    Case(
        "resources and levels of other forms",
        [CATALOG + "    In voices: [Read]\n"],
        None,
        (
            'keys/a.yaml:6:5 bad-name: "In voices" is not a resource of the API → resources hold letters and digits, at most 63 long, such as Reviews',
            'keys/a.yaml:6:17 bad-name: "Read" is not a level → levels hold a-z, 0-9 and -, at most 32 long, such as read',
        ),
    ),
    Case(
        "a resource without levels",
        [CATALOG + "    Invoices: []\n"],
        None,
        ("keys/a.yaml:6:5 empty-list: spec.resources.Invoices is empty → name at least one",),
    ),
    Case(
        "a reason nobody offers",
        [REMOVAL + "  reason: gone\n"],
        None,
        (
            'keys/a.yaml:5:11 bad-choice: "gone" is not a reason to remove a key → choose one of integration-removed, system-retired, created-by-mistake, policy',
        ),
    ),
    Case(
        "a reason that is almost right",
        [REMOVAL + "  reason: retired\n"],
        None,
        (
            'keys/a.yaml:5:11 bad-choice: "retired" is not a reason to remove a key → did you mean system-retired?',
        ),
    ),
    Case(
        "a policy with everything wrong",
        [
            POLICY
            + "  authorization: {mode: ldap, platformAdmins: []}\n  prune: delete\n  guards: {maxRemovals: -1, maxRemovalShare: 1.5}\n  expirations: []\n  review: {failOn: fatal}\n  hashing: bcrypt\n  sink: {kind: gpg, path: '{name}', recipients: [age1x]}\n"
        ],
        None,
        (
            'keys/a.yaml:5:25 bad-choice: "ldap" is not a mode of authorization → choose one of local, oidc',
            "keys/a.yaml:5:31 empty-list: spec.authorization.platformAdmins is empty → name at least one",
            'keys/a.yaml:6:10 bad-choice: "delete" is not a way to prune → choose one of deactivate, remove, ignore',
            "keys/a.yaml:7:25 bad-number: -1 is not a whole number from 0 → write digits alone, without quotes and leading zeros, such as 2",
            'keys/a.yaml:7:46 bad-number: "1.5" is not a share → write a decimal from 0 to 1, such as 0.2',
            "keys/a.yaml:8:3 empty-list: spec.expirations is empty → name at least one",
            'keys/a.yaml:9:20 bad-choice: "fatal" is not a severity → choose one of critical, high, medium, low',
            'keys/a.yaml:10:12 bad-choice: "bcrypt" is not a hashing profile → choose one of token, owasp',
            'keys/a.yaml:11:16 bad-choice: "gpg" is not a kind of sink → choose one of age, vault',
            'keys/a.yaml:11:27 bad-template: "{name}" is not a path template: a template starts with {workspace}/ and holds {name} → write a template such as {workspace}/{environment}/{name}',
            'keys/a.yaml:11:50 bad-recipient: "age1x" is not an age recipient → write a public key: age1…, ssh-ed25519 … or ssh-rsa …',
        ),
    ),
    Case(
        "issuers with everything wrong",
        [
            POLICY
            + "  authorization:\n    mode: oidc\n    issuers:\n      Git Hub:\n        url: http://issuer.example\n"
            "        audience: keyrec\n        algorithm: HS256\n        keys: [short]\n"
            "        principals: {a b: {'sub ': x}, c: {}}\n"
        ],
        None,
        (
            'keys/a.yaml:8:7 bad-name: "Git Hub" is not the name of an issuer → issuers are named with a-z, 0-9 and -, at most 16 long, such as github',
            'keys/a.yaml:9:14 bad-issuer: "http://issuer.example" is not the address of an issuer → write the token\'s iss to the letter: it starts with https://',
            'keys/a.yaml:11:20 bad-choice: "HS256" is not a way to sign → did you mean RS256?',
            'keys/a.yaml:12:16 bad-issuer: "short" is not a key\'s thumbprint → write the RFC 7638 SHA-256 thumbprint in base64url, 43 characters',
            'keys/a.yaml:13:22 bad-principal: "a b" is not the name of a principal → write a name without spaces, at most 255 long, such as platform-apply',
            'keys/a.yaml:13:28 bad-name: "sub " is not the name of a claim → write the claim\'s name as the token has it, such as repository_id',
            "keys/a.yaml:13:40 empty-list: spec.authorization.issuers.Git Hub.principals.c is empty → name at least one",
        ),
    ),
    Case(
        "a review of rules that are not there",
        [
            POLICY
            + "  review:\n    rules: {AK999: high, AK203: grave}\n    workspaces: {shop: {}}\n"
        ],
        None,
        (
            'keys/a.yaml:6:13 bad-rule: "AK999" is not the id of a rule → did you mean AK309?',
            'keys/a.yaml:6:33 bad-choice: "grave" is not a severity → choose one of critical, high, medium, low, info, off',
            "keys/a.yaml:7:18 empty-list: spec.review.workspaces.shop is empty → name at least one",
        ),
    ),
    Case(
        "a waiver with everything wrong",
        [
            document("Waiver", "name: partner")
            + "  rule: AK23\n  key: {workspace: payments}\n  owner: team-security\n  expires: 2027-02-30\n"
        ],
        None,
        (
            "keys/a.yaml:4:1 missing-field: spec.reason is missing → add reason: The partner has no fixed addresses",
            'keys/a.yaml:5:9 bad-rule: "AK23" is not the id of a rule → did you mean AK232?',
            "keys/a.yaml:6:3 missing-field: spec.key.name is missing → add name",
            'keys/a.yaml:8:12 bad-day: "2027-02-30" is not a day → write it as in 2027-01-31',
        ),
    ),
    Case(
        "a policy by which nobody could apply",
        [POLICY + "  authorization: {mode: oidc}\n"],
        None,
        (
            "keys/a.yaml:5:25 no-issuer: nobody could apply anything: mode oidc needs an issuer → add issuers: with a url, an audience and principals",
        ),
    ),
    Case(
        "a policy whose admins are of another mode",
        [
            POLICY
            + "  authorization:\n    mode: oidc\n    platformAdmins: ['local:alice', 'github:other']\n"
            "    issuers:\n      github:\n        url: https://issuer.example\n"
            "        audience: keyrec\n        principals: {apply: {ref: refs/heads/main}}\n"
        ],
        None,
        (
            "keys/a.yaml:7:5 no-admin: nobody could ever change this policy: in mode oidc none of its platform admins is anybody → name one as that mode knows them: local:<user>, or <issuer>:<principal> of the issuers here",
        ),
    ),
    Case(
        "claims that keyrec judges itself",
        [
            TRUSTED
            + "    audience: keyrec\n        principals:\n"
            + "          a: {exp: '1', sub: x}\n          b: {aud: other, iss: x, nbf: x, iat: x}\n"
        ],
        None,
        tuple(
            f'keys/a.yaml:{where} reserved-claim: "{claim}" cannot be bound: keyrec judges it in every token → take it out; the issuer\'s url and audience say what iss and aud have to be, and principals are told apart by claims such as repository_id, ref and environment'
            for where, claim in (
                ("11:15", "exp"),
                ("12:15", "aud"),
                ("12:27", "iss"),
                ("12:35", "nbf"),
                ("12:43", "iat"),
            )
        ),
    ),
    Case(
        "an audience and claims with blanks around them",
        [
            TRUSTED
            + "    audience: ' keyrec'\n        principals:\n"
            + "          a: {ref: 'refs/heads/main '}\n          b: {ref: \"main\\u00a0\"}\n"
        ],
        None,
        tuple(
            f"keys/a.yaml:{where} bad-text: this begins or ends with a blank, and it is compared to the letter → take the blank out"
            for where in ("9:19", "11:20", "12:20")
        ),
    ),
    Case(
        "a principal that is another one too",
        [
            TRUSTED
            + "    audience: keyrec\n        principals:\n"
            + "          platform: {repository_id: '1', ref: main, environment: keys}\n"
            + "          everyone: {repository_id: '1', ref: main}\n"
            + "          other: {repository_id: '1', ref: next}\n"
            + "          again: {ref: next, repository_id: '1'}\n"
        ],
        None,
        (
            "keys/a.yaml:11:11 claims-shared: platform could never be known: its claims hold all those of everyone, so a token of it would be of both → bind everyone to a claim that platform does not have, such as another environment",
            "keys/a.yaml:14:11 claims-shared: again could never be known: its claims hold all those of other, so a token of it would be of both → bind other to a claim that again does not have, such as another environment",
        ),
    ),
    Case(
        "an issuer that is another one too",
        [
            TRUSTED
            + "    audience: keyrec\n        principals: {a: {ref: main}}\n"
            + "      backup:\n        url: https://issuer.example\n        audience: keyrec\n"
            + "        principals: {b: {ref: next}}\n"
            + "      other:\n        url: https://issuer.example\n        audience: other\n"
            + "        principals: {a: {ref: main}}\n"
        ],
        None,
        (
            "keys/a.yaml:11:7 issuer-shared: nobody could be known by backup: github has its url and its audience, so a token would be of both → put their principals under one of them, or give each an audience of its own",
        ),
    ),
    # --- across documents
    Case(
        "a name declared twice",
        [HEAD, "# again\n" + HEAD],
        None,
        (
            "keys/b.yaml:5:9 duplicate-name: ApiKey payments/billing-sync-prod is already declared at keys/a.yaml:1:1 → keep one of the two, or give this one another name",
        ),
    ),
    Case(
        "a network declared twice",
        [NETWORK + "  ranges: [10.0.0.0/8]\n", NETWORK + "  ranges: [192.0.2.1]\n"],
        None,
        (
            "keys/b.yaml:3:18 duplicate-name: NetworkSet ci-runners is already declared at keys/a.yaml:1:1 → keep one of the two, or give this one another name",
        ),
    ),
    Case(
        "a policy declared twice",
        [POLICY + "  prune: ignore\n---\n" + POLICY + "  prune: remove\n"],
        None,
        (
            "keys/a.yaml:9:18 duplicate-name: Policy default is already declared at keys/a.yaml:1:1 → keep one of the two, or give this one another name",
        ),
    ),
    Case(
        "a removal beside its key",
        [HEAD, REMOVAL + "  reason: policy\n"],
        None,
        (
            "keys/b.yaml:3:18 removed-and-declared: ApiKey payments/billing-sync-prod is still declared at keys/a.yaml:1:1 → take one of the two out: the ApiKey to remove the key, this KeyRemoval to keep it or to declare the name again",
        ),
    ),
    Case(
        "an unknown workspace",
        [HEAD.replace("payments", "paymets")],
        STORE,
        (
            'keys/a.yaml:5:14 unknown-workspace: there is no workspace "paymets" → did you mean payments?',
        ),
    ),
    Case(
        "an unknown workspace of a network",
        [NETWORK.replace("ci-runners", "x, workspace: billing") + "  ranges: [10.0.0.0/8]\n"],
        STORE,
        (
            'keys/a.yaml:3:32 unknown-workspace: there is no workspace "billing" → declare it: kind: Workspace with metadata.name: billing',
        ),
    ),
    Case(
        "an unknown network",
        [HEAD + "  allowlist: [{network: ci-runner}]\n"],
        STORE,
        (
            'keys/a.yaml:8:15 unknown-network: there is no network "ci-runner" → did you mean ci-runners?',
        ),
    ),
    Case(
        "a network nothing like the known ones",
        [HEAD + "  allowlist: [{network: vpn}]\n"],
        STORE,
        (
            'keys/a.yaml:8:15 unknown-network: there is no network "vpn" → declare it: kind: NetworkSet with metadata.name: vpn',
        ),
    ),
    Case(
        "a network of another workspace",
        [HEAD + "  allowlist: [{network: office}]\n"],
        STORE,
        (
            'keys/a.yaml:8:15 foreign-network: the network "office" belongs to the workspace search → use a network of this workspace, or one without a workspace',
        ),
    ),
    Case(
        "an unknown network in defaults",
        [WORKSPACE + "  defaults:\n    allowlist: [{network: vpn}]\n"],
        STORE,
        (
            'keys/a.yaml:6:17 unknown-network: there is no network "vpn" → declare it: kind: NetworkSet with metadata.name: vpn',
        ),
    ),
    Case(
        "a stored default that names no network",
        [HEAD],
        BROKEN_STORE,
        (
            'keys/a.yaml:5:14 unknown-network: the workspace\'s default allowlist is of no use: there is no network "gone" → declare it: kind: NetworkSet with metadata.name: gone',
        ),
    ),
    Case(
        "an unknown scope",
        [HEAD + "  scopes: {Review: read}\n"],
        None,
        ('keys/a.yaml:8:12 unknown-scope: there is no scope "Review" → did you mean Reviews?',),
    ),
    Case(
        "a scope nothing like the known ones",
        [HEAD + "  scopes: {Invoices: read}\n"],
        STORE,
        (
            'keys/a.yaml:8:12 unknown-scope: there is no scope "Invoices" → there are Credentials, Introspection, Repositories, Reviews, SecurityScans, Webhooks, Workspaces',
        ),
    ),
    Case(
        "an unknown level",
        [HEAD + "  scopes: {Reviews: change}\n"],
        None,
        (
            'keys/a.yaml:8:21 unknown-level: Reviews has no level "change" → choose one of read, operate',
        ),
    ),
    Case(
        "a level twice",
        [CATALOG + "    Invoices: [read, change, read]\n"],
        None,
        (
            'keys/a.yaml:6:30 duplicate-item: Invoices has the level "read" already → name each level once, the weakest first',
        ),
    ),
    Case(
        "an expiration the policy does not allow",
        [HEAD + "  expiration: 360d\n"],
        STRICT_STORE,
        (
            'keys/a.yaml:8:15 expiration-not-allowed: the policy does not allow the expiration "360d" → choose one of 30d, 90d',
        ),
    ),
    Case(
        "no expiration where one has to be",
        [HEAD],
        STRICT_STORE,
        (
            "keys/a.yaml:6:1 expiration-not-allowed: no expiration is declared, and the policy does not allow none → choose one of 30d, 90d",
        ),
    ),
    Case(
        "an overlap longer than the schedule",
        [HEAD + "  rotation: {every: 1h, overlap: 2h}\n"],
        None,
        (
            "keys/a.yaml:8:34 overlap-too-long: the overlap of 2h is longer than the schedule of 1h → write overlap: 1h or less",
        ),
    ),
    Case(
        "the default overlap with a short schedule",
        [HEAD + "  rotation: {every: 1h}\n"],
        None,
        (
            "keys/a.yaml:8:21 overlap-too-long: the overlap of 1d is longer than the schedule of 1h → write overlap: 1h or less",
        ),
    ),
    Case(
        "an overlap longer than the schedule in defaults",
        [WORKSPACE + "  defaults:\n    rotation: {every: 1h, overlap: 2h}\n"],
        None,
        (
            "keys/a.yaml:6:36 overlap-too-long: the overlap of 2h is longer than the schedule of 1h → write overlap: 1h or less",
        ),
    ),
    Case(
        "a path outside of the workspace's prefix",
        [HEAD + "  secret: {path: search/prod/x}\n"],
        None,
        (
            'keys/a.yaml:8:18 path-outside-workspace: "search/prod/x" is outside of the workspace\'s prefix → start the path with payments/',
        ),
    ),
    Case(
        "a path outside that begins alike",
        [HEAD + "  secret: {path: payments-2/prod/x}\n"],
        None,
        (
            'keys/a.yaml:8:18 path-outside-workspace: "payments-2/prod/x" is outside of the workspace\'s prefix → start the path with payments/',
        ),
    ),
    Case(
        "two keys with one path",
        [
            HEAD,
            HEAD.replace("billing-sync", "other")
            + "  secret:\n    path: payments/prod/billing-sync-prod\n",
        ],
        None,
        (
            'keys/b.yaml:9:11 path-shared: the path "payments/prod/billing-sync-prod" belongs to payments/billing-sync-prod at keys/a.yaml:1:1 → give each key a path of its own in spec.secret.path',
        ),
    ),
    Case(
        "a template that is no path for a key",
        [HEAD],
        TEMPLATE_STORE,
        (
            "keys/a.yaml:4:9 bad-path: the policy's template gives no path for this key: a path holds at most 512 characters → write spec.secret.path",
        ),
    ),
    Case(
        "its own previous name",
        [HEAD.replace("metadata:", "metadata:\n  previousName: billing-sync-prod")],
        None,
        (
            "keys/a.yaml:4:17 previous-name: this is the key's own name → write the name it had before, or take previousName out",
        ),
    ),
    Case(
        "a previous name still declared",
        [
            HEAD.replace("metadata:", "metadata:\n  previousName: old"),
            HEAD.replace("billing-sync-prod", "old"),
        ],
        None,
        (
            "keys/a.yaml:4:17 previous-name: payments/old is still declared at keys/b.yaml:1:1 → a renamed key has one manifest, under its new name",
        ),
    ),
    Case(
        "a previous name of two keys",
        [
            HEAD.replace("metadata:", "metadata:\n  previousName: old"),
            HEAD.replace("billing-sync", "other").replace(
                "metadata:", "metadata:\n  previousName: old"
            ),
        ],
        None,
        (
            "keys/b.yaml:4:17 previous-name: payments/old is also the previous name at keys/a.yaml:1:1 → a renamed key has one manifest, under its new name",
        ),
    ),
    Case(
        "recipients of a vault",
        [POLICY + "  sink: {kind: vault, recipients: [age1" + "q" * 58 + "]}\n"],
        None,
        (
            "keys/a.yaml:5:23 sink-fields: a sink of kind vault has no recipients → take recipients out, or change the kind",
        ),
    ),
    Case(
        "mount, prefix and address of age",
        [
            POLICY
            + "  sink:\n    kind: age\n    mount: secret\n    prefix: keys\n"
            + "    address: https://vault.example\n"
        ],
        None,
        (
            "keys/a.yaml:7:5 sink-fields: a sink of kind age has no mount → take mount out, or change the kind",
            "keys/a.yaml:8:5 sink-fields: a sink of kind age has no prefix → take prefix out, or change the kind",
            "keys/a.yaml:9:5 sink-fields: a sink of kind age has no address → take address out, or change the kind",
        ),
    ),
    *(
        Case(
            wrong,
            [POLICY + f"  sink: {{kind: vault, address: '{address}'}}\n"],
            None,
            (
                f'keys/a.yaml:5:32 bad-address: "{address}" is not the address of a Vault → write https://host:port and nothing behind it, such as https://vault.example:8200; plain http is taken to this machine alone',
            ),
        )
        for wrong, address in (
            ("an address of a Vault that is plain http to another machine", "http://vault.example"),
            ("an address of a Vault with a path", "https://vault.example/v1"),
            ("an address of a Vault with a question", "https://vault.example?x=1"),
            ("an address of a Vault with a user", "https://vault.example@evil.example"),
            ("an address of a Vault with a port that is none", "https://vault.example:99999"),
            ("an address of a Vault on a machine that is almost this", "http://127.0.0.999"),
            ("an address of a Vault without a scheme", "vault.example:8200"),
        )
    ),
    Case(
        "age without a recipient",
        [POLICY + "  sink: {kind: age}\n"],
        STORE,
        (
            "keys/a.yaml:5:3 sink-fields: a sink of kind age needs a recipient → add recipients: and at least one public key, age1… or ssh-ed25519 …",
        ),
    ),
]


def said(problem: Problem) -> str:
    """Write a problem as one line."""
    return f"{problem.where} {problem.code}: {problem.message} → {problem.advice}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.wrong)
def test_a_refusal_says_where_what_and_how_to_mend_it(case: Case) -> None:
    """Exactly these problems are reported, in order of position."""
    problems = refused(*case.files, known=case.store)
    assert tuple(said(problem) for problem in problems) == case.said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.wrong)
def test_a_refusal_never_repeats_a_secret(case: Case) -> None:
    """Neither message nor advice nor snippet holds what looks like a secret."""
    shown = str(refused(*case.files, known=case.store))
    assert DRAWN not in shown
    assert TOKEN not in shown
    assert IDENTITY not in shown


def test_every_code_has_a_row() -> None:
    """No refusal exists without its row in the table."""
    rows = {line.split(": ")[0].split(" ")[1] for case in CASES for line in case.said}
    assert {code.value for code in Code} == rows


def test_the_offending_line_is_shown() -> None:
    """A snippet is the line as it stands, without what follows it."""
    [problem] = refused(HEAD + "  expiration: 60d   # two months  \n  active: true\n")
    assert problem.snippet == "  expiration: 60d   # two months"


def test_a_long_line_is_shortened() -> None:
    """A snippet fits a terminal."""
    [problem] = refused(HEAD + f"  frobnicate: {'so ' * 100}\n")
    assert len(problem.snippet) == 160
    assert problem.snippet.endswith("…")


def test_unprintable_signs_are_shown_as_escapes() -> None:
    """No control character of a manifest reaches a terminal."""
    [problem] = refused(b"a: \x1b[31m\n")
    assert problem.snippet == r"a: \u001b[31m"
