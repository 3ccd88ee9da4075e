"""Mode `oidc` at the command line: who is known by a token, and what is refused to whom.

The store trusts an issuer on loopback; its jobs are `github:platform` (platform admin),
`github:apply` (admin of the workspace demo) and `github:shop` (admin of the workspace shop).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from reconciler.bootstrap import doors
from tests.e2e.desk import principal as local_user
from tests.fakes.command_line import Answer, CommandLine
from tests.services.canned import replied
from tests.services.identity_issuer import (
    AUDIENCE,
    KEYS,
    REQUEST,
    IdentityIssuer,
    identity_issuer,
    jwk_of,
)

KEY, WORKSPACE, POLICY = "keys/demo/hello-dev.yaml", "keys/demo/workspace.yaml", "keys/policy.yaml"
JOBS = {"platform": "platform", "apply": "keys", "shop": "shop"}
"""Each principal with the protected environment that its job runs in."""
MAIN = "refs/heads/main"
SHOP = """
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: shop}
spec: {admins: ["github:shop"]}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ci:
    """A store in mode `oidc`, and the jobs that may show tokens."""

    line: CommandLine
    issuer: IdentityIssuer

    def job(self, name: str) -> None:
        """Run as the job that is bound to this principal."""
        self.show(environment=JOBS[name])

    def pull_request(self) -> None:
        """Run as a job of a pull request, which has neither branch nor environment."""
        self.show(ref="refs/pull/7/merge", event_name="pull_request", environment=None)

    def show(self, **claims: Any) -> None:
        """Show a token with these claims."""
        self.line.set(KEYREC_IDENTITY_TOKEN=self.issuer.token(**claims))

    def show_none(self) -> None:
        """Run without a token."""
        self.line.set(KEYREC_IDENTITY_TOKEN="")

    def edit(self, path: str, change: Callable[[dict[str, object]], object]) -> None:
        """Change a manifest."""
        file = self.line.folder / path
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        change(document["spec"])
        file.write_text(yaml.safe_dump(document), encoding="utf-8")

    def apply(self, *arguments: str) -> Answer:
        """Apply without being asked."""
        return self.line("apply", "--auto-approve", *arguments)

    @property
    def effects(self) -> tuple[list[str], list[str]]:
        """Give everything that the store holds, and the names of all files of the sink."""
        folder = self.line.folder / ".keyrec"
        with closing(sqlite3.connect(folder / "keys.db")) as database:
            rows = list(database.iterdump())
        return rows, sorted(str(path) for path in (folder / "secrets").rglob("*"))


@pytest.fixture
def ci(applied: CommandLine) -> Iterator[Ci]:
    """Give a store that was moved from `local` to `oidc` as the how-to says."""
    with identity_issuer() as issuer:
        made = Ci(line=applied, issuer=issuer)
        bound = {
            name: {"repository_id": "1234567", "ref": MAIN, "environment": place}
            for name, place in JOBS.items()
        }
        trusted = {"url": issuer.url, "audience": AUDIENCE, "principals": bound}
        admins = [local_user(), "github:platform"]

        def move(spec: dict[str, object]) -> None:
            spec["authorization"] = {
                "mode": "oidc",
                "platformAdmins": admins,
                "issuers": {"github": trusted},
            }

        applied.write("keys/shop.yaml", SHOP)
        applied.change(WORKSPACE, "key\n", 'key\nspec: {admins: ["github:apply"]}\n')
        made.edit(POLICY, move)
        assert made.apply().code == 0
        yield made


def test_the_move_to_oidc_counts_from_the_next_apply_on(ci: Ci) -> None:
    """Whoever made it was judged as before; now the same user without a token is nobody."""
    ci.line.change(KEY, "every: 7d", "every: 6d")
    before = ci.effects
    answer = ci.apply()
    assert answer.code == 5
    assert "there is none" in answer.err
    assert "KEYREC_IDENTITY_TOKEN" in answer.err
    assert ci.effects == before
    ci.job("platform")
    assert ci.apply().code == 0
    assert '"actor": "github:platform"' in ci.line("history", "hello-dev", "-json").out


def test_an_admin_of_a_workspace_applies_there_by_a_token(ci: Ci) -> None:
    """And stands in the audit chain by the name that the policy has for it."""
    ci.job("apply")
    ci.line.change(KEY, "every: 7d", "every: 6d")
    assert ci.apply().code == 0
    assert '"actor": "github:apply"' in ci.line("history", "hello-dev", "-json").out


# --- what a pull request may try


def admins(spec: dict[str, object]) -> None:
    """Name the author's job."""
    spec["authorization"]["platformAdmins"].append("github:apply")  # type: ignore[index]  # YAML


def local(spec: dict[str, object]) -> None:
    """Let whoever has a shell be known by its user."""
    spec["authorization"]["mode"] = "local"  # type: ignore[index]  # YAML


def looser(spec: dict[str, object]) -> None:
    """Bind the platform's principal to the environment alone, of whatever repository."""
    issuer = spec["authorization"]["issuers"]["github"]  # type: ignore[index]  # YAML
    issuer["principals"]["platform"] = {"environment": "platform"}


def recipient(spec: dict[str, object]) -> None:
    """Let somebody else read every new secret."""
    theirs = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJlgkh1xjvNlXEO4eYKmGKqwDZBNDfOcQwLNQFBuHWkV"
    spec["sink"]["recipients"].append(theirs)  # type: ignore[index]  # YAML


def elsewhere(spec: dict[str, object]) -> None:
    """Write secrets to another Vault."""
    sink = {"kind": "vault", "identity": "vault:mine/secret:keyrec", "mount": "secret"}
    spec["sink"] = sink | {"prefix": "keyrec"}


def bindings(spec: dict[str, object]) -> None:
    """Let another workspace's job into this one."""
    spec["admins"] = ["github:apply", "github:shop"]


FRESH = """
apiVersion: keyrec/v1
kind: Workspace
metadata: {name: fresh}
spec: {admins: ["github:apply"]}
---
apiVersion: keyrec/v1
kind: ApiKey
metadata: {name: mine, workspace: fresh, owner: team-a}
spec: {environment: dev, scopes: {Reviews: read}}
"""
BROUGHT: dict[str, tuple[Callable[[Ci], object], str]] = {
    "makes its author admin": (lambda ci: ci.edit(POLICY, admins), "policy/default"),
    "sets the mode local": (lambda ci: ci.edit(POLICY, local), "policy/default"),
    "binds a principal more loosely": (lambda ci: ci.edit(POLICY, looser), "policy/default"),
    "weakens a guard": (
        lambda ci: ci.edit(POLICY, lambda s: s.update(guards={"maxRemovals": 1000})),
        "policy/default",
    ),
    "weakens a severity": (
        lambda ci: ci.edit(POLICY, lambda s: s.update(review={"rules": {"AK203": "off"}})),
        "policy/default",
    ),
    "adds a recipient": (lambda ci: ci.edit(POLICY, recipient), "policy/default"),
    "points the sink elsewhere": (lambda ci: ci.edit(POLICY, elsewhere), "policy/default"),
    "brings a workspace that the store does not know": (
        lambda ci: ci.line.write("keys/fresh.yaml", FRESH),
        "the store does not hold the workspace fresh yet",
    ),
    "lets another workspace's job in": (
        lambda ci: ci.edit(WORKSPACE, bindings),
        "workspace/demo",
    ),
}


@pytest.mark.parametrize("name", BROUGHT)
def test_what_a_pull_request_brings_does_not_help_it(ci: Ci, name: str) -> None:
    """While it is one nobody is known; merged, its own workspace's job may not apply it either."""
    bring, named = BROUGHT[name]
    before = ci.effects
    bring(ci)
    ci.pull_request()
    answer = ci.apply()
    assert answer.code == 5
    assert "those of no principal of github" in answer.err
    assert ci.effects == before
    ci.job("apply")
    answer = ci.apply()
    assert answer.code == 5, answer.both
    assert "github:apply" in answer.err
    assert named in answer.err
    assert ci.effects == before


def test_a_job_of_another_workspace_changes_nothing_here(ci: Ci) -> None:
    """Not by apply, and by no other door."""
    ci.line.change(KEY, "every: 7d", "every: 6d")
    before = ci.effects
    ci.job("shop")
    for argv in (
        ("apply", "--auto-approve"),
        ("hold", "hello-dev", "--reason", "x"),
        ("release", "hello-dev"),
        ("rotate", "hello-dev"),
        ("rotate", "hello-dev", "--leaked"),
        ("lock", "release"),
        ("audit", "acknowledge", "--accept", "--auto-approve"),
        ("init", "--store-form", "1"),
    ):
        answer = ci.line(*argv)
        assert answer.code == 5, (argv, answer.both)
        assert "github:shop" in answer.err
    assert [line for line in ci.effects[0] if '"leases"' not in line] == [
        line for line in before[0] if '"leases"' not in line
    ]
    assert ci.effects[1] == before[1]


@pytest.mark.parametrize(
    "argv",
    [
        ("apply", "--auto-approve"),
        ("apply", "--maintenance"),
        ("hold", "hello-dev", "--reason", "x"),
        ("release", "hello-dev"),
        ("rotate", "hello-dev"),
        ("rotate", "hello-dev", "--leaked"),
        ("lock", "release"),
        ("audit", "acknowledge", "--accept", "--auto-approve"),
        ("init", "--store-form", "1"),
    ],
)
def test_without_a_token_nothing_that_names_an_actor_is_done(ci: Ci, argv: tuple[str, ...]) -> None:
    """Exit code 5 with what to do; the user of the system is nobody, though the policy names it."""
    before = ci.effects
    answer = ci.line(*argv)
    assert answer.code == 5, answer.both
    assert "Set KEYREC_IDENTITY_TOKEN" in answer.err
    assert ci.effects == before


def test_a_platform_admin_by_a_token_brings_the_tables_back(ci: Ci) -> None:
    """And stands in the audit chain for it; the user of the system, though named, could not."""
    ci.job("platform")
    answer = ci.line("init", "--store-form", "1")
    assert (answer.code, answer.out) == (0, "made  key store  (its tables are of form 1)\n")
    assert ci.line("init").code == 0
    assert ci.line("audit", "verify").code == 0
    told = [row for row in ci.effects[0] if "'store-brought-back'" in row]
    assert len(told) == 1
    assert "'github:platform'" in told[0]


@pytest.mark.parametrize(
    "argv",
    [
        ("plan",),
        ("status",),
        ("get", "hello-dev"),
        ("history", "hello-dev"),
        ("lock", "status"),
        ("audit", "verify"),
        ("export",),
        ("adopt", "hello-dev"),
        ("drift",),
        ("doctor",),
    ],
)
def test_reading_wants_no_token(ci: Ci, argv: tuple[str, ...]) -> None:
    """Also where a bad one is shown."""
    assert ci.line(*argv).code == 0
    ci.show(exp=1)
    code = ci.line(*argv).code
    assert code == (1 if argv == ("doctor",) else 0)


def test_a_plan_says_whether_rights_were_judged(ci: Ci) -> None:
    """None without a token; the same as apply would with one."""
    ci.line.change(KEY, "every: 7d", "every: 6d")
    answer = ci.line("plan")
    assert answer.code == 0
    assert "Note: rights were not judged." in answer.err
    ci.job("shop")
    assert "github:shop is no admin of the workspace demo" in ci.line("plan").err
    ci.job("apply")
    assert "Note:" not in ci.line("plan").err


def test_the_doctor_says_who_is_known_and_by_what(ci: Ci) -> None:
    """No token is no fault; one that is not believed is."""
    answer = ci.line("doctor")
    assert answer.code == 0
    assert "Plans work, and nothing is applied" in answer.out
    ci.job("apply")
    answer = ci.line("doctor")
    assert answer.code == 0
    assert "github:apply, by the identity token of KEYREC_IDENTITY_TOKEN" in answer.out
    assert "github:apply may change the keys of demo" in answer.out
    ci.pull_request()
    answer = ci.line("doctor")
    assert answer.code == 1
    assert "FAIL  identity" in answer.out


def test_the_doctor_says_before_the_move_who_would_be_known(ci: Ci) -> None:
    """So that the mode is changed only when the job's token is believed."""
    ci.job("platform")
    ci.edit(POLICY, local)
    assert ci.apply().code == 0
    answer = ci.line("doctor")
    assert answer.code == 0
    assert f"{local_user()}, the user of the operating system" in answer.out
    assert "github:platform in mode oidc, by the identity token" in answer.out
    ci.show(ref="refs/heads/feature")
    answer = ci.line("doctor")
    assert answer.code == 0
    assert "nobody in mode oidc. The token's claims are those of no principal" in answer.out


def test_a_job_of_github_asks_for_its_token_itself(ci: Ci) -> None:
    """`permissions: id-token: write` is all that the workflow says."""
    ci.issuer.server.answer(REQUEST, replied({"value": ci.issuer.token(environment="keys")}))
    ci.line.set(
        ACTIONS_ID_TOKEN_REQUEST_URL=f"{ci.issuer.url}{REQUEST}?api-version=2",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="a-request-token",
    )
    ci.line.change(KEY, "every: 7d", "every: 6d")
    assert ci.apply().code == 0
    assert f"GET {REQUEST}?api-version=2&audience=keyrec" in ci.issuer.server.targets()


def test_keyrec_yaml_cannot_bring_keys(ci: Ci) -> None:
    """The policy lists no thumbprints, so a file of keys is not believed."""
    ci.line.write("mine.json", '{"keys": []}')
    ci.line.change("keyrec.yaml", "manifests:", "identity: {jwksFile: mine.json}\nmanifests:")
    ci.job("platform")
    answer = ci.apply()
    assert answer.code == 5
    assert "not believed" in answer.err


def test_a_principal_of_a_token_is_nobody_in_mode_local(ci: Ci) -> None:
    """Its name alone counts for nothing where nobody looks at tokens."""
    ci.job("platform")
    ci.edit(POLICY, local)
    assert ci.apply().code == 0
    ci.line.change(KEY, "every: 7d", "every: 6d")
    ci.line.monkeypatch.setattr(doors, "principal", lambda: "github:platform")
    answer = ci.apply()
    assert answer.code == 5
    assert "github:platform" in answer.err


def test_an_issuer_whose_keys_are_gone_lets_nobody_in(ci: Ci) -> None:
    """Kept keys count for their hour and for what they signed; then it fails closed."""
    ci.issuer.publish(jwk_of("another"))
    ci.job("platform")
    answer = ci.apply()
    assert answer.code == 5
    assert "github has no RS256 key" in answer.err
    ci.issuer.server.answer(KEYS, replied({}, 500))
    assert "it answers with status 500" in ci.apply().err


def test_what_verifies_tokens_is_an_extra(ci: Ci) -> None:
    """Without it nobody is known, and it is said how to install it."""
    import sys

    ci.job("platform")
    ci.line.monkeypatch.setitem(sys.modules, "reconciler.adapters.oidc_identity", None)
    answer = ci.apply()
    assert answer.code == 5
    assert "pip install 'keyrec[oidc]'" in answer.err


def test_keyrec_yaml_cannot_point_the_sink_elsewhere(ci: Ci) -> None:
    """The stored policy pins the folder by its id; no secret is made for another."""
    ci.line.change("keyrec.yaml", ".keyrec/secrets", "elsewhere")
    ci.line.change(KEY, "rotation:", "rotation:\n    generation: 2")
    before = ci.effects
    ci.job("apply")
    answer = ci.apply()
    assert answer.code == 1, answer.both
    assert [row for row in ci.effects[0] if '"leases"' not in row] == [
        row for row in before[0] if '"leases"' not in row
    ]
    assert ci.effects[1] == before[1]
    assert list((ci.line.folder / "elsewhere").rglob("*.age")) == []
