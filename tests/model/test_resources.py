"""The stored form of policy, workspaces, networks and catalogue reads back as itself."""

import dataclasses
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.canonical import canonical_bytes
from reconciler.model.keys import KeyAddress
from reconciler.model.lifetime import Expiration
from reconciler.model.policy import (
    AuthorizationMode,
    BoundPrincipal,
    Guards,
    HashProfile,
    Issuer,
    Policy,
    Prune,
    ReviewPolicy,
    SigningAlgorithm,
    SinkKind,
    SinkPolicy,
)
from reconciler.model.policy_document import OFF, severities_of
from reconciler.model.resources import (
    Body,
    Resource,
    ResourceAddress,
    ResourceKind,
    address_of,
    document_of,
    resource_from,
)
from reconciler.model.rule_ids import RULE_IDS
from reconciler.model.scopes import ScopeCatalog
from reconciler.model.severity import Severity
from reconciler.model.source import SourceRef
from reconciler.model.states import DeclaredResource
from reconciler.model.waivers import Waiver
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
MAYBE_TEXTS = st.none() | TEXTS
SORTED_TEXTS = st.lists(TEXTS, max_size=4).map(lambda texts: tuple(sorted(texts)))
DURATIONS = st.none() | st.integers(1, 999_999).map(lambda minutes: timedelta(minutes=minutes))

ISSUERS = st.builds(
    Issuer,
    name=NAMES,
    url=TEXTS,
    audience=TEXTS,
    algorithm=st.sampled_from(SigningAlgorithm),
    keys=SORTED_TEXTS,
    principals=st.dictionaries(NAMES, st.dictionaries(NAMES, TEXTS, min_size=1), max_size=2).map(
        lambda named: tuple(
            BoundPrincipal(name=name, claims=tuple(sorted(claims.items())))
            for name, claims in sorted(named.items())
        )
    ),
)
WORDS = st.sampled_from([*Severity, OFF])
REVIEWS = st.builds(
    lambda fail_on, general, own: ReviewPolicy(
        fail_on=fail_on,
        severities=(*severities_of(general, own),),
    ),
    st.sampled_from(Severity),
    st.dictionaries(st.sampled_from(RULE_IDS), WORDS, max_size=2),
    st.dictionaries(
        NAMES, st.dictionaries(st.sampled_from(RULE_IDS), WORDS, min_size=1, max_size=2), max_size=2
    ),
)
POLICIES = st.builds(
    Policy,
    platform_admins=SORTED_TEXTS,
    prune=st.sampled_from(Prune),
    guards=st.builds(
        Guards,
        max_removals=st.integers(min_value=0),
        max_removal_share=st.floats(min_value=0, max_value=1),
    ),
    expirations=st.lists(st.sampled_from(Expiration), unique=True).map(tuple),
    authorization=st.sampled_from(AuthorizationMode),
    issuers=st.lists(ISSUERS, max_size=2, unique_by=lambda i: i.name).map(
        lambda found: tuple(sorted(found, key=lambda i: i.name))
    ),
    review=REVIEWS,
    hashing=st.sampled_from(HashProfile),
    sink=st.builds(
        SinkPolicy,
        kind=st.sampled_from(SinkKind),
        path=TEXTS,
        identity=MAYBE_TEXTS,
        mount=MAYBE_TEXTS,
        prefix=MAYBE_TEXTS,
        address=MAYBE_TEXTS,
        recipients=SORTED_TEXTS,
    ),
)
WORKSPACES = st.builds(
    Workspace,
    name=NAMES,
    description=MAYBE_TEXTS,
    admins=SORTED_TEXTS,
    defaults=st.builds(
        WorkspaceDefaults,
        owner=MAYBE_TEXTS,
        expiration=st.none() | st.sampled_from(Expiration),
        allowlist=st.none() | SORTED_TEXTS,
        rotate_every=DURATIONS,
        overlap=DURATIONS,
    ),
)
NETWORKS = st.builds(
    NetworkSet,
    name=NAMES,
    workspace=st.none() | NAMES,
    description=MAYBE_TEXTS,
    ranges=SORTED_TEXTS,
)
CATALOGS = st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3).map(tuple), max_size=4).map(
    ScopeCatalog.of
)
WAIVERS = st.builds(
    Waiver,
    name=NAMES,
    rule=st.sampled_from(RULE_IDS),
    key=st.builds(KeyAddress, workspace=NAMES, name=NAMES),
    reason=TEXTS,
    owner=TEXTS,
    expires=st.dates(),
)
BODIES: st.SearchStrategy[Body] = st.one_of(POLICIES, WORKSPACES, NETWORKS, CATALOGS, WAIVERS)


@given(BODIES, NAMES)
def test_a_stored_resource_reads_back_as_it_was_through_json(body: Body, manager: str):
    """Reading is the inverse of writing, and the fingerprint survives it."""
    resource = Resource(address=address_of(body), body=body, manager=manager)

    stored = json.loads(json.dumps(document_of(body)))
    read = resource_from(resource.address, stored, manager)

    assert read == resource
    assert read.fingerprint == resource.fingerprint


@given(BODIES, BODIES)
def test_different_resources_of_one_address_have_different_fingerprints(one: Body, other: Body):
    """A change of any field is seen."""
    if one != other and address_of(one) == address_of(other):
        assert Resource(address=address_of(one), body=one, manager="m").fingerprint != (
            Resource(address=address_of(other), body=other, manager="m").fingerprint
        )


def test_the_stored_form_of_the_default_policy_is_pinned():
    """Stores hold these bytes."""
    assert canonical_bytes(document_of(Policy())) == (
        b'{"authorization":{"mode":"local","platformAdmins":[]},'
        b'"expirations":["none","1h","1d","7d","30d","90d","180d","360d"],'
        b'"guards":{"maxRemovalShare":"0.2","maxRemovals":10},"hashing":"token",'
        b'"prune":"deactivate","review":{"failOn":"critical"},'
        b'"sink":{"identity":null,"kind":"age","mount":null,'
        b'"path":"{workspace}/{environment}/{name}","prefix":null,"recipients":[]}}'
    )


def test_an_address_that_is_pinned_is_written_and_one_that_is_not_is_left_out():
    """The fingerprints of policies from before it could be pinned stay as they are."""
    unpinned = SinkPolicy(kind=SinkKind.VAULT, identity="v", mount="secret", prefix="keys")
    for sink, pinned in (
        (unpinned, b""),
        (
            dataclasses.replace(unpinned, address="https://vault.example:8200"),
            b'"address":"https://vault.example:8200",',
        ),
    ):
        stored = canonical_bytes(document_of(Policy(sink=sink)))
        assert stored.endswith(
            b'"sink":{' + pinned + b'"identity":"v","kind":"vault","mount":"secret",'
            b'"path":"{workspace}/{environment}/{name}","prefix":"keys","recipients":[]}}'
        )


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        (
            Workspace(
                name="payments",
                description="Money",
                admins=("local:bob", "local:alice"),
                defaults=WorkspaceDefaults(
                    owner="team-payments",
                    expiration=Expiration.QUARTER,
                    allowlist=("network:office",),
                    rotate_every=timedelta(days=30),
                    overlap=timedelta(hours=36),
                ),
            ),
            (
                b'{"admins":["local:alice","local:bob"],'
                b'"defaults":{"allowlist":["network:office"],"expiration":"90d",'
                b'"overlap":"36h","owner":"team-payments","rotateEvery":"30d"},'
                b'"description":"Money"}'
            ),
        ),
        (
            Workspace(name="payments"),
            (
                b'{"admins":[],"defaults":{"allowlist":null,"expiration":null,"overlap":null,'
                b'"owner":null,"rotateEvery":null},"description":null}'
            ),
        ),
        (
            NetworkSet(name="ci", ranges=("10.0.0.0/8", "::1/128")),
            b'{"description":null,"ranges":["10.0.0.0/8","::1/128"]}',
        ),
        (
            ScopeCatalog.of({"Jobs": ("run", "own"), "Billing": ("read",)}),
            b'{"resources":{"Billing":["read"],"Jobs":["run","own"]}}',
        ),
    ],
    ids=["workspace", "empty workspace", "network", "catalogue"],
)
def test_the_stored_form_of_a_resource_is_pinned(body: Body, stored: bytes):
    """Stores hold these bytes."""
    assert canonical_bytes(document_of(body)) == stored


def test_a_whole_number_and_its_float_are_one_share():
    """1 and 1.0 mean the same and have the same fingerprint."""
    whole, real = (
        Policy(guards=Guards(max_removal_share=1)),
        Policy(guards=Guards(max_removal_share=1.0)),
    )

    assert canonical_bytes(document_of(whole)) == canonical_bytes(document_of(real))


def test_a_network_that_was_stored_without_a_description_is_read():
    """Every form ever written is read."""
    address = ResourceAddress(kind=ResourceKind.NETWORK, name="ci", workspace="payments")

    assert resource_from(address, {"ranges": ["10.0.0.0/8"]}, "m").body == NetworkSet(
        name="ci", workspace="payments", ranges=("10.0.0.0/8",)
    )


@pytest.mark.parametrize(
    ("body", "address"),
    [
        (Policy(), "policy/default"),
        (ScopeCatalog(resources=()), "scopes/default"),
        (Workspace(name="payments"), "workspace/payments"),
        (NetworkSet(name="office"), "network/office"),
        (NetworkSet(name="ci", workspace="payments"), "network/payments/ci"),
    ],
    ids=str,
)
def test_a_resource_is_named_by_its_kind_and_place(body: Body, address: str):
    """The address follows from the body, for declared ones too."""
    where = SourceRef(file="keys/a.yaml", line=1, column=1)

    assert str(address_of(body)) == address
    assert str(DeclaredResource(body=body, source=where).address) == address


def test_a_policy_that_differs_only_in_the_order_of_admins_has_one_fingerprint():
    """Admins are a set; their order in the manifest means nothing."""
    policy = Policy(platform_admins=("local:b", "local:a"))
    sorted_policy = dataclasses.replace(policy, platform_admins=("local:a", "local:b"))

    assert document_of(policy) == document_of(sorted_policy)
