"""The desired state: defaults in their order, references resolved, the same in any order."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.manifest.assembly import Known, known_from
from reconciler.manifest.desired import read_desired
from reconciler.manifest.files import manifest_digest
from reconciler.manifest.judging import locate
from reconciler.model.keys import DEFAULT_OVERLAP, KeyAddress, KeyRemoval, RemovalReason
from reconciler.model.lifetime import Expiration
from reconciler.model.policy import (
    Guards,
    HashProfile,
    Policy,
    Prune,
    ReviewPolicy,
    SinkKind,
    SinkPolicy,
)
from reconciler.model.resources import Resource, address_of, document_of, resource_from
from reconciler.model.scopes import BUILT_IN_CATALOG, ScopeCatalog, ScopeGrant
from reconciler.model.severity import Severity
from reconciler.model.source import Revision, SourceRef
from reconciler.model.states import DesiredState
from reconciler.model.workspaces import NetworkSet, Workspace, WorkspaceDefaults
from tests.manifest.manifests import HEAD, STORE, desired, file, refused
from tests.strategies import api_keys, manifest_of, repositories, text_of

FULL = """\
# the example of the reference
apiVersion: keyrec/v1
kind: ApiKey
metadata:
  name: billing-sync-prod
  workspace: payments
  previousName: billing-sync
  owner: team-payments
  description: Pulls invoices into the ledger
  labels: {system: billing-sync, cost-center: "1234"}
spec:
  environment: prod
  scopes:
    Webhooks: change
    Reviews: read
  allowlist:
    - 203.0.113.0/25
    - 203.0.113.128/25
    - 2001:0db8:0040::/48
    - network: ci-runners
  expiration: 90d
  active: false
  protected: true
  rotation:
    generation: 3
    every: 30d
    overlap: 48h
  reissue: 2
  secret:
    path: payments/prod/billing-sync
"""

DEFAULTS = """\
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: payments, description: Everything about money}
spec:
  admins: [local:bob, local:alice, local:bob]
  defaults:
    owner: team-payments
    expiration: 30d
    allowlist: [{network: ci-runners}]
    rotation: {every: 60d, overlap: 12h}
"""

NETWORK = """\
apiVersion: keyrec/v1
kind: NetworkSet
metadata: {name: ci-runners}
spec: {ranges: [198.51.100.0/25, 198.51.100.128/25, 198.51.100.7]}
"""

POLICY = "apiVersion: keyrec/v1\nkind: Policy\nmetadata: {name: default}\n"


def test_a_full_manifest_gives_every_field() -> None:
    """Ranges are canonical, networks resolved and collapsed, lists in their one order."""
    [spec] = desired(FULL, known=STORE).keys
    fields = spec.fields
    assert spec.address == KeyAddress(workspace="payments", name="billing-sync-prod")
    assert spec.previous_name == "billing-sync"
    assert spec.source == SourceRef(file="keys/a.yaml", line=2, column=1, end_line=30)
    assert (fields.environment, fields.sink_path) == ("prod", "payments/prod/billing-sync")
    assert fields.scopes == (
        ScopeGrant(resource="Reviews", level="read"),
        ScopeGrant(resource="Webhooks", level="change"),
    )
    assert fields.allowlist == (
        "2001:db8:40::/48",
        "203.0.113.0/25",
        "203.0.113.128/25",
        "network:ci-runners",
    )
    assert fields.ranges == ("198.51.100.0/24", "203.0.113.0/24", "2001:db8:40::/48")
    assert fields.expiration is Expiration.QUARTER
    assert (fields.active, fields.protected, fields.reissue) == (False, True, 2)
    assert fields.rotation.generation == 3
    assert fields.rotation.every == timedelta(days=30)
    assert fields.rotation.overlap == timedelta(days=2)
    assert (fields.owner, fields.description) == ("team-payments", "Pulls invoices into the ledger")
    assert fields.labels == (("cost-center", "1234"), ("system", "billing-sync"))


def test_marks_of_an_adoption_travel_with_the_key_and_not_with_its_fields() -> None:
    """They say nothing of the key; without them nothing is adopted."""
    marked = HEAD.replace("spec:", "  adopt: true\nspec:") + "  secret: {adopt: 7}\n"
    [spec], [plain] = desired(marked).keys, desired(HEAD).keys
    assert (spec.adopts_record, spec.adopts_version) == (True, 7)
    assert (plain.adopts_record, plain.adopts_version) == (False, None)
    assert spec.fields == plain.fields
    assert [name for name, *_ in spec.places if "adopt" in name] == ["spec.secret.adopt"]


def test_the_places_of_fields_that_planning_may_refuse_travel_with_the_key() -> None:
    """Line and column of the value; fields that are absent have no place."""
    [spec] = desired(FULL, known=STORE).keys
    assert {name: (line, column) for name, line, column in spec.places} == {
        "metadata.previousName": (7, 17),
        "spec.environment": (12, 16),
        "spec.expiration": (21, 15),
        "spec.protected": (23, 14),
        "spec.reissue": (28, 12),
        "spec.rotation.generation": (25, 17),
        "spec.secret.path": (30, 11),
    }
    [bare] = desired(HEAD).keys
    assert [name for name, *_ in bare.places] == ["spec.environment"]


def test_a_bare_key_gets_the_built_in_defaults() -> None:
    """No expiration, no restriction, active, the template's path, a day of overlap."""
    [spec] = desired(HEAD).keys
    fields = spec.fields
    assert fields.sink_path == "payments/prod/billing-sync-prod"
    assert (fields.scopes, fields.allowlist, fields.ranges) == ((), None, None)
    assert (fields.expiration, fields.active, fields.protected) == (Expiration.NONE, True, False)
    assert (fields.rotation.every, fields.rotation.overlap) == (None, DEFAULT_OVERLAP)
    assert (fields.rotation.generation, fields.reissue) == (1, 1)
    assert (fields.owner, fields.description, fields.labels) == (None, None, ())


def test_the_workspace_s_defaults_come_before_the_built_in_ones() -> None:
    """Field by field, from the declared workspace."""
    [spec] = desired(HEAD, DEFAULTS, NETWORK).keys
    fields = spec.fields
    assert (fields.owner, fields.expiration) == ("team-payments", Expiration.MONTH)
    assert fields.allowlist == ("network:ci-runners",)
    assert fields.ranges == ("198.51.100.0/24",)
    assert fields.rotation.every == timedelta(days=60)
    assert fields.rotation.overlap == timedelta(hours=12)


def test_the_manifest_comes_before_the_workspace_s_defaults() -> None:
    """What a key says itself stands; its lists replace, they do not add."""
    own = HEAD + "  allowlist: [192.0.2.1]\n  expiration: none\n  rotation: {every: 7d}\n"
    [spec] = desired(own.replace("metadata:", "metadata:\n  owner: me"), DEFAULTS, NETWORK).keys
    fields = spec.fields
    assert (fields.owner, fields.expiration) == ("me", Expiration.NONE)
    assert fields.allowlist == fields.ranges == ("192.0.2.1/32",)
    assert fields.rotation.every == timedelta(days=7)
    assert fields.rotation.overlap == timedelta(hours=12)


def test_a_stored_workspace_gives_defaults_until_it_is_declared() -> None:
    """The declared workspace replaces the stored one as a whole."""
    stored = replace(
        STORE,
        workspaces={
            "payments": Workspace(name="payments", defaults=WorkspaceDefaults(owner="team-stored"))
        },
    )
    assert desired(HEAD, known=stored).keys[0].fields.owner == "team-stored"
    assert desired(HEAD, DEFAULTS, known=stored).keys[0].fields.owner == "team-payments"


def test_a_network_of_the_workspace_comes_before_one_for_all() -> None:
    """Two networks of one name: the workspace's own is meant."""
    own = NetworkSet(name="ci-runners", workspace="payments", ranges=("192.0.2.0/24",))
    store = replace(STORE, networks=(*STORE.networks, own))
    [spec] = desired(HEAD + "  allowlist: [{network: ci-runners}]\n", known=store).keys
    assert spec.fields.ranges == ("192.0.2.0/24",)


def test_a_declared_network_replaces_the_stored_one() -> None:
    """What this revision says about a network counts for its keys at once."""
    declared = NETWORK.replace("198.51.100.7", "10.0.0.0/8")
    [spec] = desired(HEAD + "  allowlist: [{network: ci-runners}]\n", declared, known=STORE).keys
    assert spec.fields.ranges == ("10.0.0.0/8", "198.51.100.0/24")


def test_offline_nothing_is_refused_for_being_declared_nowhere() -> None:
    """An unknown network stands for no range; `plan` asks the store."""
    text = HEAD + "  allowlist: [{network: vpn}, 192.0.2.1]\n"
    [spec] = desired(text).keys
    assert spec.fields.allowlist == ("192.0.2.1/32", "network:vpn")
    assert spec.fields.ranges == ("192.0.2.1/32",)


def test_the_stored_policy_gives_the_template() -> None:
    """A declared template counts from the next apply on."""
    store = replace(STORE, policy=Policy(sink=SinkPolicy(path="{workspace}/all/{name}")))
    policy = POLICY + "spec: {sink: {kind: vault, path: '{workspace}/new/{name}'}}\n"
    [spec] = desired(HEAD, policy, known=store).keys
    assert spec.fields.sink_path == "payments/all/billing-sync-prod"
    [offline] = desired(HEAD, policy).keys
    assert offline.fields.sink_path == "payments/new/billing-sync-prod"


def test_the_stored_policy_decides_about_expirations() -> None:
    """A plan is judged by what the store held before it."""
    text = HEAD + "  expiration: 1h\n"
    narrow = POLICY + "spec: {expirations: [30d]}\n"
    wide = desired(text, narrow.replace("spec: {", "spec: {sink: {kind: vault}, "), known=STORE)
    assert len(wide.keys) == 1
    assert [p.code for p in refused(text, narrow)] == ["expiration-not-allowed"]


def test_a_declared_catalogue_extends_the_built_in_one() -> None:
    """Its resources can be granted at once, built-in ones can be given other levels."""
    catalog = """\
apiVersion: keyrec/v1
kind: ScopeCatalog
metadata: {name: default}
spec:
  resources:
    Invoices: [read, change, approve]
    Reviews: [list]
"""
    keys = HEAD + "  scopes: {Invoices: approve, Reviews: list, Webhooks: read}\n"
    state = desired(keys, catalog)
    assert [r.body for r in state.resources] == [
        ScopeCatalog.of({"Invoices": ("read", "change", "approve"), "Reviews": ("list",)})
    ]
    stored = replace(STORE, catalog=BUILT_IN_CATALOG.extended(ScopeCatalog.of({"Old": ("read",)})))
    assert len(desired(HEAD + "  scopes: {Old: read}\n", known=stored).keys) == 1
    problems = refused(HEAD + "  scopes: {Old: read}\n", catalog, known=stored)
    assert [p.code for p in problems] == ["unknown-scope"]


def test_resources_are_given_in_the_form_the_store_keeps() -> None:
    """What was stored and is declared again is equal: nothing to do."""
    policy = POLICY + (
        "spec:\n  authorization: {platformAdmins: [local:root, local:alice]}\n  prune: remove\n"
        "  guards: {maxRemovals: 3, maxRemovalShare: 0.5}\n  expirations: [90d, 30d, 90d]\n"
        "  review: {failOn: high}\n  hashing: owasp\n"
        "  sink: {kind: vault, path: '{workspace}/{name}', identity: c1, mount: kv, prefix: keys/x, "
        "address: 'https://Vault.example:443/'}\n"
    )
    state = desired(policy, DEFAULTS, NETWORK)
    assert [str(r.address) for r in state.resources] == [
        "network/ci-runners",
        "policy/default",
        "workspace/payments",
    ]
    network, found, workspace = (r.body for r in state.resources)
    assert network == NetworkSet(name="ci-runners", ranges=("198.51.100.0/24",))
    assert found == Policy(
        platform_admins=("local:alice", "local:root"),
        prune=Prune.REMOVE,
        guards=Guards(max_removals=3, max_removal_share=0.5),
        expirations=(Expiration.MONTH, Expiration.QUARTER),
        review=ReviewPolicy(fail_on=Severity.HIGH),
        hashing=HashProfile.OWASP,
        sink=SinkPolicy(
            kind=SinkKind.VAULT,
            path="{workspace}/{name}",
            identity="c1",
            mount="kv",
            prefix="keys/x",
            address="https://vault.example",
        ),
    )
    assert workspace == Workspace(
        name="payments",
        description="Everything about money",
        admins=("local:alice", "local:bob"),
        defaults=WorkspaceDefaults(
            owner="team-payments",
            expiration=Expiration.MONTH,
            allowlist=("network:ci-runners",),
            rotate_every=timedelta(days=60),
            overlap=timedelta(hours=12),
        ),
    )
    for body in (network, found, workspace):
        stored = Resource(address=address_of(body), body=body, manager="m")
        document: Any = document_of(body)
        assert resource_from(stored.address, document, "m") == stored


STORED_POLICY = Policy(
    platform_admins=("local:root",),
    guards=Guards(max_removals=99),
    prune=Prune.IGNORE,
    sink=SinkPolicy(
        kind=SinkKind.VAULT,
        path="{workspace}/{name}",
        identity="c1",
        mount="kv",
        prefix="keys",
        address="https://vault.example:8200",
    ),
)


def _declared_policy(text: str) -> Policy:
    [resource] = desired(POLICY + text, known=replace(STORE, policy=STORED_POLICY)).resources
    assert isinstance(resource.body, Policy)
    return resource.body


def test_a_policy_never_unpins_a_sink_or_locks_out_by_silence() -> None:
    """Admins and pins stay as stored; guards and pruning fall back to their defaults."""
    declared = _declared_policy("spec: {}\n")
    assert declared.platform_admins == ("local:root",)
    assert declared.sink == STORED_POLICY.sink
    assert (declared.guards, declared.prune) == (Guards(), Prune.DEACTIVATE)
    assert _declared_policy("") == declared


def test_another_kind_of_sink_takes_no_pin_of_the_old_one() -> None:
    """The template stays, for it is where keys are; cluster, address, mount and prefix do not."""
    key = "age1" + "q" * 58
    declared = _declared_policy(f"spec: {{sink: {{kind: age, recipients: [{key}]}}}}\n")
    assert declared.sink == SinkPolicy(
        kind=SinkKind.AGE, path="{workspace}/{name}", recipients=(key,)
    )


@pytest.mark.parametrize("share", ["0", "1", "0.2", "'0.25'", "1.0"])
def test_a_share_is_a_decimal_from_0_to_1(share) -> None:
    """Written plainly or in quotes."""
    declared = _declared_policy(f"spec: {{guards: {{maxRemovalShare: {share}}}}}\n")
    assert declared.guards.max_removal_share == float(share.strip("'"))


def test_removals_are_given_with_their_reason() -> None:
    """A KeyRemoval may name a workspace that is gone: it stays in git as a record."""
    text = (
        "apiVersion: keyrec/v1\nkind: KeyRemoval\n"
        "metadata: {name: old, workspace: gone}\nspec: {reason: system-retired}\n"
    )
    assert desired(text, known=Known()).removals == (
        KeyRemoval(
            address=KeyAddress(workspace="gone", name="old"),
            reason=RemovalReason.SYSTEM_RETIRED,
            source=SourceRef(file="keys/a.yaml", line=1, column=1, end_line=4),
        ),
    )


def test_one_mistake_is_reported_once() -> None:
    """What a refused document declares still counts as declared."""
    wrong = {
        DEFAULTS.replace("30d", "60d"): HEAD,
        NETWORK.replace("198.51.100.7", "nowhere"): HEAD + "  allowlist: [{network: ci-runners}]\n",
        "apiVersion: keyrec/v1\nkind: ScopeCatalog\nmetadata: {name: default}\nspec: {}\n": HEAD
        + "  scopes: {Invoices: read}\n",
    }
    store = Known(workspaces={"payments": Workspace(name="payments")})
    for broken, key in wrong.items():
        assert len(refused(broken, key, known=store if broken != DEFAULTS else Known())) == 1
    only = refused(POLICY + "spec: {expirations: [60d]}\n", HEAD)
    assert [p.code for p in only] == ["bad-expiration"]


def test_a_key_of_a_refused_workspace_is_not_refused_for_it() -> None:
    """Mending the workspace mends both."""
    problems = refused(DEFAULTS.replace("30d", "60d"), NETWORK, HEAD, known=Known())
    assert [(p.where.file, p.code) for p in problems] == [("keys/a.yaml", "bad-expiration")]


@pytest.mark.parametrize("text", ["*x\n", HEAD.replace("ApiKey", "*x"), HEAD + "  active: *x\n"])
def test_where_the_reader_refused_something_the_schema_says_nothing(text) -> None:
    """An alias is one problem, wherever it stands."""
    assert [p.code for p in refused(text)] == ["alias"]


def test_all_problems_of_all_files_come_in_order() -> None:
    """By file, line and column, whatever found them."""
    problems = refused(
        file(HEAD + "  expiration: 60d\n  frobnicate: 1\n", "keys/z.yaml"),
        file("a: [\n", "keys/m.yaml"),
        file(HEAD.replace("-prod", "-x") + "  scopes: {Reveiws: read}\n", "keys/a.yaml"),
    )
    assert [(p.where.file, p.where.line, p.code) for p in problems] == [
        ("keys/a.yaml", 8, "unknown-scope"),
        ("keys/m.yaml", 2, "yaml-syntax"),
        ("keys/z.yaml", 8, "bad-expiration"),
        ("keys/z.yaml", 9, "unknown-field"),
    ]


def test_a_scope_that_the_store_may_hold_is_left_to_planning() -> None:
    """Offline, only what resembles a known scope is a mistake for sure."""
    key = HEAD + "  scopes: {Invoices: read}\n"

    assert desired(key).keys[0].fields.scopes[0].resource == "Invoices"
    assert [p.code for p in refused(key, known=STORE)] == ["unknown-scope"]


def test_environments_keep_only_their_keys_and_judge_all() -> None:
    """A configuration for one environment does not hide what is wrong in another."""
    files = [file(HEAD, "a.yaml"), file(HEAD.replace("prod", "stage"), "b.yaml")]
    result = read_desired(files, manager="m", environments=("stage",))
    assert isinstance(result, DesiredState)
    assert [str(k.address) for k in result.keys] == ["payments/billing-sync-stage"]
    wrong = [*files, file(HEAD.replace("prod", "dev") + "  reissue: 0\n", "c.yaml")]
    assert isinstance(read_desired(wrong, manager="m", environments=("stage",)), tuple)


def test_the_state_names_its_manager_and_revision() -> None:
    """What the reader was told is what planning sees."""
    revision = Revision(commit="1" * 40, dirty=True)
    result = read_desired([], manager="platform-keys", revision=revision)
    assert isinstance(result, DesiredState)
    assert (result.manager, result.revision) == ("platform-keys", revision)
    assert (result.keys, result.removals, result.resources) == ((), (), ())


def test_the_manifest_digest_is_fixed() -> None:
    """Compatibility: paths and bytes, each behind its length; a change of it is a new form."""
    files = [file("a: b\n", "keys/a.yaml"), file("", "keys/ü.yaml")]
    assert manifest_digest(files) == (
        "000ef6c6851c7eee759b3ffdcc250fc5e202b29348929c826af1429a46cde9b6"
    )
    assert manifest_digest([file("bc", "a")]) != manifest_digest([file("c", "ab")])


def test_a_field_is_located_by_reading_its_file_again() -> None:
    """For places that do not travel with the key; what is absent is found at its parent."""
    files = [file(HEAD), file("---\n" + FULL, "keys/b.yaml")]
    source = SourceRef(file="keys/b.yaml", line=3, column=1)
    webhooks = locate(files, source, ("spec", "scopes", "Webhooks"))
    assert (webhooks.line, webhooks.column) == (15, 15)
    assert str(locate(files, source, ("spec", "allowlist", 3))) == "keys/b.yaml:21:7"
    assert str(locate(files, source, ("spec", "scopes", "Reviews", "x"))) == "keys/b.yaml:16:14"
    assert str(locate(files, source, ("spec", "absent"))) == "keys/b.yaml:12:1"
    for gone in (
        SourceRef(file="c.yaml", line=1, column=1),
        SourceRef(file="keys/b.yaml", line=1, column=1),
    ):
        assert locate(files, gone, ("spec",)) == gone


def test_known_things_come_from_the_observed_state(observed) -> None:
    """Workspaces, networks, the catalogue over the built-in one, the policy."""
    known = known_from(observed)
    assert set(known.workspaces) == {"payments"}
    assert known.networks == STORE.networks[:1]
    assert known.catalog == BUILT_IN_CATALOG
    assert known.policy == STORED_POLICY


@pytest.fixture
def observed():
    """A store that holds one of each."""
    from datetime import datetime, timezone

    from reconciler.model.states import ObservedState

    bodies = (Workspace(name="payments"), STORE.networks[0], STORED_POLICY)
    return ObservedState(
        store_id="s",
        manager="m",
        read_at=datetime(2026, 11, 24, tzinfo=timezone.utc),
        resources=tuple(Resource(address=address_of(b), body=b, manager="m") for b in bodies),
    )


@settings(max_examples=40, deadline=None)
@given(repositories(), st.randoms(use_true_random=False))
def test_the_order_of_files_and_documents_does_not_matter(documents, random) -> None:
    """However documents are spread over files, the same is declared."""
    together = desired(file(text_of(documents)))
    shuffled = list(documents)
    random.shuffle(shuffled)
    files = [file(text_of([d]), f"keys/{i}.yaml") for i, d in enumerate(shuffled)]
    random.shuffle(files)
    apart = desired(*files)
    assert [(k.address, k.fields) for k in together.keys] == [
        (k.address, k.fields) for k in apart.keys
    ]
    assert [r.body for r in together.resources] == [r.body for r in apart.resources]


@settings(max_examples=40, deadline=None)
@given(api_keys())
def test_parse_after_print_is_identity(manifest) -> None:
    """A declared key, printed with every field named, declares itself."""
    [spec] = desired(text_of([manifest])).keys
    [again] = desired(text_of([manifest_of(spec)])).keys
    assert (again.address, again.fields, again.previous_name) == (
        spec.address,
        spec.fields,
        spec.previous_name,
    )


SCALARS = st.one_of(st.text(max_size=12), st.integers(), st.booleans(), st.none(), st.floats())
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(api_keys(), st.data())
def test_whatever_stands_in_a_field_gives_a_state_or_problems(manifest, data) -> None:
    """Reading never raises, and no word of a library reaches the message."""
    section = manifest[data.draw(st.sampled_from(["metadata", "spec"]))]
    section[data.draw(st.sampled_from(sorted(section)) | st.text(max_size=8))] = data.draw(ANYTHING)
    result = read_desired([file(text_of([manifest]))], manager="m")
    for problem in result if isinstance(result, tuple) else ():
        said = f"{problem.message} {problem.advice}"
        assert problem.message
        assert problem.advice
        assert "Input should" not in said
        assert "pydantic" not in said
        assert said.isprintable()


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["Workspace", "NetworkSet", "ScopeCatalog", "KeyRemoval", "Policy"]),
    st.dictionaries(
        st.sampled_from(
            ["ranges", "admins", "defaults", "resources", "reason", "sink", "guards", "x"]
        ),
        ANYTHING,
    ),
)
def test_whatever_stands_in_another_kind_gives_a_state_or_problems(kind, spec) -> None:
    """The same for everything that is no key."""
    name = "default" if kind in {"Policy", "ScopeCatalog"} else "a"
    manifest = {"apiVersion": "keyrec/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    result = read_desired([file(text_of([manifest]))], manager="m", known=STORE)
    assert isinstance(result, (tuple, DesiredState))
