"""The rights that examples/policies ship for each job: enough for it, and for nothing else."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from tests.contracts.sink_rigs import example_policy
from tests.e2e.desk import Desk
from tests.e2e.load import Load
from tests.e2e.serving import serving
from tests.services.jwt_issuer import new_issuer
from tests.services.vault_server import VaultClient

POLICIES = Path(__file__).parents[2] / "examples" / "policies"
KEY = """
    apiVersion: keyrec/v1
    kind: ApiKey
    metadata: {name: NAME, workspace: edge}
    spec: {environment: prod, scopes: {Reviews: read}}
"""
WORKSPACE = """
    apiVersion: keyrec/v1
    kind: Workspace
    metadata: {name: edge}
    spec: {}
"""
ROLES = ("plan", "apply", "verify")
READING = (
    ("plan",),
    ("status",),
    ("get", "edge/first"),
    ("history", "edge/first"),
    ("drift",),
    ("audit", "verify"),
    ("export", "--all", "--with-resources"),
    ("lock", "status"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """One store and one Vault, entered by the owner and with the rights of either job."""

    owner: Desk
    urls: dict[str, str]
    tokens: dict[str, str]

    def desk(self, *, store: str, vault: str) -> Desk:
        """Give the owner's desk with the rights of one job in each."""
        mine = {"KEYREC_STORE_URL": self.urls[store], "VAULT_TOKEN": self.tokens[vault]}
        return replace(self.owner, environment=self.owner.environment | mine)


def scripted(name: str, schema: str, suffix: str) -> str:
    """Give one of the shipped scripts, for the schema and the roles of one test."""
    script = (POLICIES / "postgres" / f"{name}.sql").read_text(encoding="utf-8")
    script = re.sub(r"\bkeyrec_(plan|apply|verify|owner)\b", rf"keyrec_\1_{suffix}", script)
    return re.sub(r"(?<![`\w])keyrec(?=[.;\s])(?! init)", schema, script)


def run(admin: Engine, script: str) -> None:
    """Run a script as an administrator."""
    with admin.connect() as connection:
        connection.exec_driver_sql(script)


@pytest.fixture
def jobs(
    server_desk: Desk, postgres_admin: Engine, vault_client: VaultClient, vault_mount: str
) -> Iterator[Jobs]:
    """Give both jobs, after a first key was applied by the owner."""
    url = make_url(server_desk.store_url)
    schema = str(url.query["options"]).rpartition("=")[2]
    suffix = secrets.token_hex(4)
    roles = scripted("roles", f"made_{suffix}", suffix)
    run(postgres_admin, roles)
    server_desk.write("keys/workspace.yaml", WORKSPACE)
    server_desk.write("keys/first.yaml", KEY.replace("NAME", "first"))
    server_desk.apply()
    entering = ", ".join(f"keyrec_{job}_{suffix}" for job in ROLES)
    run(postgres_admin, f"GRANT USAGE ON SCHEMA {schema} TO {entering}")
    for _ in range(2):
        for name in ROLES:
            run(postgres_admin, scripted(name, schema, suffix))
    policies = {
        "plan": [example_policy("plan", mount=vault_mount)],
        "apply": [example_policy(n, mount=vault_mount) for n in ("apply", "apply-destroy")],
    }
    yield Jobs(
        owner=server_desk,
        urls={
            job: url.set(username=f"keyrec_{job}_{suffix}").render_as_string(hide_password=False)
            for job in ROLES
        },
        tokens={
            job: vault_client.new_token(*(vault_client.new_policy(t) for t in texts))
            for job, texts in policies.items()
        },
    )
    names = ", ".join(f"keyrec_{job}_{suffix}" for job in (*ROLES, "owner"))
    run(postgres_admin, f"DROP OWNED BY {names} CASCADE; DROP ROLE {names}")


def test_the_job_that_plans_can_look_at_everything(jobs: Jobs) -> None:
    """With the rights of plan.sql and plan.hcl every command that only looks works."""
    planner = jobs.desk(store="plan", vault="plan")
    for command in READING:
        planner.keyrec(*command)
    planner.write("keys/second.yaml", KEY.replace("NAME", "second"))
    planner.keyrec("plan", "-o", "plan.json", "--detailed-exitcode", expect=2)
    assert "edge/second" in planner.keyrec("show", "plan.json").out


def test_the_job_that_plans_needs_nothing_in_vault(jobs: Jobs) -> None:
    """A plan contacts no sink: a login that is none hinders it not."""
    planner = jobs.desk(store="plan", vault="plan")
    planner.environment |= {"VAULT_TOKEN": "", "VAULT_ADDR": "https://127.0.0.1:9"}
    planner.keyrec("plan")


@pytest.mark.parametrize(
    ("store", "vault", "words"),
    [("plan", "apply", "SQLSTATE 42501"), ("apply", "plan", "examples/policies")],
    ids=["by-the-database", "by-vault"],
)
def test_apply_is_refused_with_the_rights_of_the_job_that_plans(
    jobs: Jobs, store: str, vault: str, words: str
) -> None:
    """By the database and by Vault, each by itself; nothing is made, and the owner goes on."""
    jobs.owner.write("keys/second.yaml", KEY.replace("NAME", "second"))
    said = jobs.desk(store=store, vault=vault).apply(expect=1)
    assert words in said.err, said.everything
    assert jobs.owner.count("keys WHERE name = 'second'") == 0
    assert jobs.owner.reader.is_gone("edge/prod/second")
    for command in ("hold edge/first --reason x", "rotate edge/first", "lock release"):
        refused = jobs.desk(store="plan", vault="plan").try_keyrec(*command.split())
        assert refused.code == 1, refused.everything
    jobs.owner.apply()


def test_the_job_that_applies_has_what_it_needs(jobs: Jobs) -> None:
    """With apply.sql and apply.hcl: create, rotate, hold, remove, the end of overlaps, resources."""
    applier = jobs.desk(store="apply", vault="apply")
    applier.write("keys/second.yaml", KEY.replace("NAME", "second"))
    applier.write(
        "keys/net.yaml",
        """
        apiVersion: keyrec/v1
        kind: NetworkSet
        metadata: {name: office}
        spec: {ranges: [192.0.2.0/24]}
        """,
    )
    applier.apply()
    applier.keyrec("rotate", "edge/second")
    jobs.owner.let_overlaps_pass()
    (applier.folder / "keys/net.yaml").unlink()
    applier.apply()
    applier.keyrec("hold", "edge/first", "--reason", "a drill")
    applier.keyrec("release", "edge/first")
    applier.keyrec("audit", "verify")


def test_a_gateway_verifies_with_its_rights_and_changes_no_key(jobs: Jobs) -> None:
    """With verify.sql: a key is let in, followed, its use is reported; holding one is refused."""
    gateway = jobs.desk(store="verify", vault="plan")
    key = jobs.owner.secret("edge/prod/first")
    with serving(gateway) as port, Load(port, {"first": key}, "").running() as load:
        load.wait_for("first", 200)
        jobs.owner.keyrec("hold", "edge/first", "--reason", "a drill")
        load.wait_for("first", 401)
    assert jobs.owner.count("version_uses") == 1
    assert jobs.owner.count("version_marks") == 1
    for command in ("release edge/first", "rotate edge/first", "lock release"):
        refused = gateway.try_keyrec(*command.split())
        assert refused.code == 1, refused.everything


def test_the_job_that_plans_cannot_read_a_hash(jobs: Jobs, postgres_admin: Engine) -> None:
    """Of the versions it sees everything but that; what it may not write is every table."""
    role = make_url(jobs.urls["plan"]).username
    schema = str(make_url(jobs.urls["plan"]).query["options"]).rpartition("=")[2]
    asked = text(
        "SELECT has_column_privilege(:role, :versions, 'secret_hash', 'SELECT'),"
        " has_column_privilege(:role, :versions, 'state', 'SELECT'),"
        " (SELECT count(*) FROM pg_tables WHERE schemaname = :schema AND has_table_privilege("
        "  :role, quote_ident(schemaname) || '.' || quote_ident(tablename),"
        "  'INSERT, UPDATE, DELETE, TRUNCATE'))"
    )
    with postgres_admin.connect() as connection:
        found = connection.execute(
            asked, {"role": role, "versions": f"{schema}.key_versions", "schema": schema}
        ).one()
    assert tuple(found) == (False, True, 0)


def test_the_job_that_plans_cannot_read_a_key(jobs: Jobs, vault_client: VaultClient) -> None:
    """With plan.hcl it sees numbers of versions, by metadata alone; no value, old or new."""
    mount = jobs.owner.init[jobs.owner.init.index("--vault-mount") + 1]
    jobs.owner.keyrec("rotate", "edge/first")
    planner = vault_client.as_token(jobs.tokens["plan"])
    seen = planner.call("GET", f"{mount}/metadata/keyrec/edge/prod/first")["data"]
    assert seen["current_version"] == 2
    for path in (
        "data/keyrec/edge/prod/first",
        "data/keyrec/edge/prod/first?version=1",
        "data/keyrec/_keyrec/anchor",
        "subkeys/keyrec/edge/prod/first",
    ):
        assert vault_client.status("GET", f"{mount}/{path}") == 200, path
        assert planner.status("GET", f"{mount}/{path}") == 403, path
    for method, path in (
        ("POST", "data/keyrec/edge/prod/first"),
        ("POST", "undelete/keyrec/edge/prod/first"),
        ("PUT", "destroy/keyrec/edge/prod/first"),
        ("POST", "metadata/keyrec/edge/prod/first"),
        ("DELETE", "metadata/keyrec/edge/prod/first"),
    ):
        body = {"data": {"value": "x"}, "versions": [1]}
        assert planner.status(method, f"{mount}/{path}", body) == 403, (method, path)


def test_the_job_that_applies_cannot_change_the_tables_form(
    jobs: Jobs, postgres_admin: Engine
) -> None:
    """Alembic's mark is the owner's; with it changed, the next migration would go astray."""
    role = make_url(jobs.urls["apply"]).username
    schema = str(make_url(jobs.urls["apply"]).query["options"]).rpartition("=")[2]
    asked = text(
        "SELECT has_table_privilege(:role, :mark, 'SELECT'),"
        " has_table_privilege(:role, :mark, 'INSERT, UPDATE, DELETE, TRUNCATE')"
    )
    mark = {"role": role, "mark": f"{schema}.keyrec_migrations"}
    with postgres_admin.connect() as connection:
        assert tuple(connection.execute(asked, mark).one()) == (True, False)
    refused = jobs.desk(store="apply", vault="apply").try_keyrec("init", "--store-form", "1")
    assert refused.code == 1, refused.everything
    assert "SQLSTATE 42501" in refused.err
    assert jobs.owner.count("audit WHERE event = 'store-brought-back'") == 0
    jobs.owner.keyrec("plan")


def test_the_job_that_applies_changes_no_past_event(jobs: Jobs, postgres_admin: Engine) -> None:
    """It appends to the audit chain, and neither changes nor removes what stands there."""
    role = make_url(jobs.urls["apply"]).username
    schema = str(make_url(jobs.urls["apply"]).query["options"]).rpartition("=")[2]
    asked = text(
        "SELECT has_table_privilege(:role, :audit, 'INSERT'),"
        " has_table_privilege(:role, :audit, 'UPDATE, DELETE, TRUNCATE')"
    )
    with postgres_admin.connect() as connection:
        found = connection.execute(asked, {"role": role, "audit": f"{schema}.audit"}).one()
    assert tuple(found) == (True, False)


CLAIMS = {
    "github": {
        "repository": "example/keys",
        "repository_id": "1234567",
        "ref": "refs/heads/main",
        "environment": "keyrec-apply",
    },
    "gitlab": {
        "project_path": "example/keys",
        "project_id": "1234567",
        "ref": "main",
        "ref_type": "branch",
        "ref_protected": "true",
        "environment": "keyrec-apply",
    },
}


@pytest.mark.parametrize("forge", CLAIMS)
def test_only_the_job_that_applies_logs_in_to_vault(
    vault_client: VaultClient, vault_mount: str, tmp_path: Path, forge: str
) -> None:
    """The shipped role believes one repository, its main branch and the protected environment."""
    role = json.loads((POLICIES / "vault" / f"jwt-{forge}.json").read_text(encoding="utf-8"))
    issuer, mount = new_issuer(tmp_path), f"jwt-{vault_mount}"
    vault_client.call("POST", f"sys/auth/{mount}", {"type": "jwt"})
    keys = {"jwt_validation_pubkeys": [issuer.public_key], "bound_issuer": "https://forge.test"}
    vault_client.call("POST", f"auth/{mount}/config", keys)
    vault_client.call("POST", f"auth/{mount}/role/keyrec-apply", role)
    now = int(time.time())
    usual = {
        "iss": "https://forge.test",
        "aud": role["bound_audiences"][0],
        "iat": now,
        "exp": now + 300,
    }

    def login(**changed: str) -> int:
        claims = {k: v for k, v in (CLAIMS[forge] | changed).items() if v}
        body = {"role": "keyrec-apply", "jwt": issuer.signed(**usual, **claims)}
        return vault_client.as_token("").status("POST", f"auth/{mount}/login", body)

    assert login() == 200
    for name in role["bound_claims"]:
        assert login(**{name: "another"}) == 400, name
        assert login(**{name: ""}) == 400, name
