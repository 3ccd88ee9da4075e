"""Configuration: which value counts, what is refused, and that no secret is shown."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler.config import (
    ConfigDocument,
    Disclosure,
    ServerSettings,
    Settings,
    VaultAuthMethod,
    VerificationSettings,
    config_file,
    environment,
    settings_from,
)
from reconciler.config.credential_files import CREDENTIAL_FILES
from reconciler.config.variables import CONFIG_VARIABLE, ONLY_VARIABLES, VARIABLES
from reconciler.errors import ConfigInvalid

HEAD = {"apiVersion": "keyrec/v1", "kind": "Config"}
FILE = HEAD | {"manager": "platform-keys"}


def resolved(document=FILE, environ=None, **overrides: str) -> Settings:
    """Give settings as a run in the folder /repo would have them."""
    flags = {path.replace("__", "."): text for path, text in overrides.items()}
    return settings_from(document, environ=environ or {}, root="/repo", overrides=flags)


def problems(document=FILE, environ=None, **overrides: str) -> list[str]:
    """Give the lines of the refusal."""
    with pytest.raises(ConfigInvalid) as refused:
        resolved(document, environ, **overrides)
    return [line.strip() for line in refused.value.message.splitlines()[1:]]


def test_a_file_with_a_manager_alone_gets_every_default():
    """Only the manager has no default."""
    settings = resolved()
    assert settings.manager == "platform-keys"
    assert settings.manifests == ("/repo/keys",)
    assert settings.environments is None
    assert settings.token_prefix == "krk"
    assert settings.store.url.get_secret_value() == "sqlite:////repo/.keyrec/keys.db"
    assert settings.age.directory == "/repo/.keyrec/secrets"
    assert settings.vault.address is None
    assert settings.vault.auth.method is VaultAuthMethod.TOKEN
    assert settings.vault.max_retries == 2
    assert settings.vault.answer_timeout == 30.0
    assert settings.vault.connect_timeout == 5.0
    assert settings.vault.warnings == ()


def test_without_file_the_environment_suffices():
    """No file is needed where the variables say enough."""
    assert resolved(None, {"KEYREC_MANAGER": "a"}).manager == "a"


def test_a_missing_manager_is_refused():
    """Two repositories with the same silent default would prune each other's keys."""
    assert problems(None)[0].startswith("manager: is not set")


def test_a_flag_goes_before_a_variable_before_the_file():
    """Precedence: flag, environment, file, default."""
    document = FILE | {"token": {"prefix": "file"}}
    environ = {"KEYREC_TOKEN_PREFIX": "envi"}
    assert resolved(document).token_prefix == "file"
    assert resolved(document, environ).token_prefix == "envi"
    assert resolved(document, environ, token__prefix="flag").token_prefix == "flag"


def test_an_empty_variable_counts_as_absent():
    """CI systems set variables to nothing where a secret is not given."""
    assert resolved(FILE, {"KEYREC_MANAGER": ""}).manager == "platform-keys"


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda v: v.path)
def test_every_variable_reaches_its_setting(variable):
    """Each name of each row changes the settings."""
    samples = {
        "sink.vault.auth.method": "jwt",
        "sink.vault.maxRetries": "7",
        "sink.vault.clientTimeout": "7s",
        "sink.vault.rateLimit": "70",
        "store.url": "sqlite:///other.db",
        "verification.revocationBound": "500ms",
        "verification.maxStale": "1m",
        "verification.cacheEntries": "700",
        "server.port": "7000",
        "server.healthPort": "7001",
        "server.workers": "7",
        "server.disclosure": "terse",
    }
    for name in variable.names:
        changed = resolved(FILE, {name: samples.get(variable.path, "other")})
        assert changed != resolved(), name


def test_a_verifier_and_the_endpoint_have_their_published_defaults():
    """Nobody's forwarding header is believed, and nothing outside of this machine reached."""
    assert resolved().verification == VerificationSettings()
    assert resolved().server == ServerSettings()
    assert VerificationSettings().revocation_bound == timedelta(seconds=1)
    assert VerificationSettings().max_stale == timedelta(seconds=10)
    assert ServerSettings().host == "127.0.0.1"
    assert ServerSettings().trusted_proxies == ()


def test_how_presented_keys_are_answered_about_can_be_written_in_the_file():
    """Durations become spans, files lie beside the configuration."""
    settings = resolved(
        FILE
        | {
            "verification": {
                "environment": "prod",
                "revocationBound": "500ms",
                "maxStale": "1m",
                "cacheEntries": 500,
            },
            "server": {
                "host": "::1",
                "port": 9000,
                "healthPort": 9001,
                "workers": 4,
                "trustedProxies": ["10.0.0.0/8", "unix"],
                "clientAddressHeader": "X-Real-IP",
                "disclosure": "terse",
                "realm": "Reviews API",
                "tlsCertificate": "tls/server.pem",
                "tlsKey": "/etc/keyrec/server.key",
            },
        }
    )
    assert settings.verification == VerificationSettings(
        environment="prod",
        revocation_bound=timedelta(milliseconds=500),
        max_stale=timedelta(minutes=1),
        cache_entries=500,
    )
    assert settings.server == ServerSettings(
        host="::1",
        port=9000,
        health_port=9001,
        workers=4,
        trusted_proxies=("10.0.0.0/8", "unix"),
        client_address_header="X-Real-IP",
        disclosure=Disclosure.TERSE,
        realm="Reviews API",
        tls_certificate="/repo/tls/server.pem",
        tls_key="/etc/keyrec/server.key",
    )


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("server", "port", 0),
        ("server", "port", 65536),
        ("server", "workers", 0),
        ("server", "trustedProxies", []),
        ("server", "disclosure", "all"),
        ("server", "realm", 'a"b'),
        ("server", "realm", " a"),
        ("server", "clientAddressHeader", "X Real"),
        ("verification", "environment", "Prod"),
        ("verification", "revocationBound", "soon"),
        ("verification", "revocationBound", "0s"),
        ("verification", "revocationBound", "11s"),
        ("verification", "maxStale", "500ms"),
        ("verification", "cacheEntries", 1),
    ],
)
def test_what_would_promise_nothing_is_refused_with_its_field(section, field, value):
    """Bounds that contradict each other are named by the one that is above the other."""
    (line,) = problems(FILE | {section: {field: value}})
    named = "revocationBound" if field == "maxStale" else field
    assert line.startswith(f"{section}.{named}")


@pytest.mark.parametrize("names", ONLY_VARIABLES, ids=lambda names: names[0])
def test_every_variable_without_a_field_reaches_its_setting(names):
    """Secrets, and the switch that turns certificate checks off, come from variables alone."""
    for name in names:
        assert resolved(FILE, {name: "1"}) != resolved(), name


def test_vaults_own_name_wins_over_openbaos():
    """Where both are set, one of them has to count, and it is written down which."""
    environ = {"BAO_ADDR": "https://bao:8200", "VAULT_ADDR": "https://vault:8200"}
    assert resolved(FILE, environ).vault.address == "https://vault:8200"


def test_relative_paths_of_the_file_join_its_folder_and_those_of_variables_do_not():
    """A path in the file means the same wherever keyrec is started."""
    document = FILE | {"sink": {"age": {"directory": "out"}, "vault": {"caCert": "~/ca.pem"}}}
    assert resolved(document).age.directory == "/repo/out"
    assert resolved(document, {"HOME": "/home/a"}).vault.tls.ca_cert == "/home/a/ca.pem"
    assert resolved(document, {"KEYREC_AGE_DIRECTORY": "out"}).age.directory == "out"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sqlite:///a/keys.db", "sqlite:////repo/a/keys.db"),
        ("sqlite:////abs/keys.db", "sqlite:////abs/keys.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("postgresql://keyrec@db/keyrec", "postgresql+psycopg://keyrec@db/keyrec"),
        ("postgresql+psycopg://keyrec@db/keyrec", "postgresql+psycopg://keyrec@db/keyrec"),
    ],
)
def test_a_store_url_means_one_thing(written, meant):
    """SQLite paths join the file's folder; PostgreSQL always goes through psycopg."""
    document = FILE | {"store": {"url": written}}
    assert resolved(document).store.url.get_secret_value() == meant


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://keyrec:canary@db/keyrec",
        "postgresql://keyrec:can/ary@db/keyrec",
        "postgresql://db/keyrec?user=a&password=canary",
        "postgresql://db/keyrec?sslpassword=canary",
    ],
)
def test_a_password_in_the_file_is_refused_without_being_shown(url):
    """Files are in git; the advice names the ways out."""
    (problem,) = problems(FILE | {"store": {"url": url}})
    assert problem.startswith("store.url: holds a password")
    assert "KEYREC_STORE_URL" in problem
    assert "PGPASSFILE" in problem
    assert "can" not in problem.replace("cannot", "")


def test_a_password_in_the_environment_is_taken_and_never_shown():
    """The whole address is sensitive."""
    settings = resolved(FILE, {"KEYREC_STORE_URL": "postgresql://a:canary@db/x"})
    assert "canary" in settings.store.url.get_secret_value()
    assert "canary" not in repr(settings)


def test_secrets_of_the_environment_are_never_shown():
    """Tokens, secret ids, JWTs and a proxy's password print as stars."""
    names = (
        "VAULT_TOKEN",
        "KEYREC_VAULT_SECRET_ID",
        "KEYREC_VAULT_JWT",
        "VAULT_PROXY_ADDR",
        "KEYREC_IDENTITY_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    )
    settings = resolved(FILE, dict.fromkeys(names, "canary"))
    assert settings.vault.auth.token is not None
    assert settings.vault.auth.token.get_secret_value() == "canary"
    assert "canary" not in repr(settings)
    assert "canary" not in str(settings)


def test_all_problems_are_reported_at_once_with_their_places():
    """One run names every field and every variable."""
    document = HEAD | {
        "mamager": "a",
        "token": {"prefix": "TOO-LOUD"},
        "store": {"url": "mysql://u:canary@h/d"},
        "sink": {"vault": {"auth": {"method": "magic"}, "token": "hvs.canary"}},
    }
    environ = {"KEYREC_ENVIRONMENTS": "prod,UP", "VAULT_CLIENT_TIMEOUT": "soon"}
    lines = problems(document, environ)
    assert [line.split(":")[0] for line in sorted(lines)] == [
        "KEYREC_ENVIRONMENTS",
        "VAULT_CLIENT_TIMEOUT",
        "mamager",
        "sink.vault.auth.method",
        "sink.vault.token",
        "store.url",
        "store.url",
        "token.prefix",
    ]
    assert "canary" not in "\n".join(lines)


@pytest.mark.parametrize("head", [{}, {"apiVersion": "keyrec/v2", "kind": "Config"}])
def test_another_kind_of_document_is_refused(head):
    """The head says what a file is."""
    assert any(line.startswith("apiVersion") for line in problems(head | {"manager": "a"}))


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("20", 20.0), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600)]
)
def test_a_time_out_is_read_as_vaults_own_client_reads_it(text, seconds):
    """A number is seconds; a unit may follow."""
    settings = resolved(FILE, {"VAULT_CLIENT_TIMEOUT": text})
    assert settings.vault.answer_timeout == seconds
    assert settings.vault.connect_timeout == min(5.0, seconds)


@pytest.mark.parametrize(("text", "rate"), [("100", 100.0), ("0.5:20", 0.5), ("0", None)])
def test_a_rate_limit_is_requests_a_second(text, rate):
    """Vault writes `rate:burst`; zero is no limit."""
    assert resolved(FILE, {"VAULT_RATE_LIMIT": text}).vault.rate_limit == rate


def test_a_role_id_alone_means_approle():
    """The method follows from what was given, unless it is named."""
    environ = {"KEYREC_VAULT_ROLE_ID": "r", "KEYREC_VAULT_SECRET_ID": " s \n"}
    auth = resolved(FILE, environ).vault.auth
    assert (auth.method, auth.mount) == (VaultAuthMethod.APPROLE, "approle")
    assert auth.secret_id is not None
    assert auth.secret_id.get_secret_value() == "s"


def test_kubernetes_reads_the_projected_token_by_default():
    """The file that every pod has."""
    auth = resolved(FILE, {"KEYREC_VAULT_AUTH_METHOD": "kubernetes"}).vault.auth
    assert auth.jwt_file == "/var/run/secrets/kubernetes.io/serviceaccount/token"


@pytest.mark.parametrize(("text", "skips"), [("true", True), ("1", True), ("false", False)])
def test_skipping_certificate_checks_is_warned_of_loudly(text, skips):
    """It is possible, and it is said what it means."""
    vault = resolved(FILE, {"VAULT_SKIP_VERIFY": text}).vault
    assert vault.tls.skip_verify is skips
    assert any("NOT checked" in w for w in vault.warnings) is skips


def test_a_mount_that_leaves_its_place_is_refused():
    """A login mount becomes a part of an address."""
    document = FILE | {"sink": {"vault": {"auth": {"mount": "jwt/../../sys"}}}}
    assert problems(document)[0].startswith("sink.vault.auth.mount: holds letters")


def test_fetched_keys_are_kept_in_the_users_own_place():
    """By the habit of XDG; a relative folder would be in the repository and does not count."""
    home = {"HOME": "/home/a"}
    kept = "/home/a/.cache/keyrec/issuers"
    assert resolved(FILE, home).identity.cache_folder == kept
    assert resolved(FILE, home | {"XDG_CACHE_HOME": "here"}).identity.cache_folder == kept
    away = home | {"XDG_CACHE_HOME": "/var/cache/a"}
    assert resolved(FILE, away).identity.cache_folder == "/var/cache/a/keyrec/issuers"
    assert resolved().identity.cache_folder is None


def test_a_requested_token_is_meant_for_vaults_address_unless_it_is_said_otherwise():
    """Each Vault is an audience of its own, so that no other one can use the token."""
    vault = FILE | {"sink": {"vault": {"address": "https://vault:8200"}}}
    assert resolved(vault).vault.auth.audience == "https://vault:8200"
    environ = {"KEYREC_VAULT_AUTH_AUDIENCE": "vault"}
    assert resolved(vault, environ).vault.auth.audience == "vault"


def test_the_configuration_file_is_named_by_flag_variable_or_habit():
    """keyrec.yaml unless something else is said."""
    assert config_file({}) == "keyrec.yaml"
    assert config_file({"KEYREC_CONFIG": "prod.yaml"}) == "prod.yaml"
    assert config_file({"KEYREC_CONFIG": "prod.yaml"}, "dev.yaml") == "dev.yaml"


def test_environment_is_the_process_environment(monkeypatch):
    """The one door to it."""
    monkeypatch.setenv("KEYREC_MANAGER", "from-the-process")
    assert environment()["KEYREC_MANAGER"] == "from-the-process"


def test_the_json_schema_is_valid_and_pleasant():
    """Every field has a title and a description, and none offers null."""
    schema = ConfigDocument.model_json_schema(by_alias=True)
    Draft202012Validator.check_schema(schema)
    assert "null" not in json.dumps(schema)
    for definition in (schema, *schema["$defs"].values()):
        for name, field in definition["properties"].items():
            section = schema["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
            assert field.get("title"), name
            assert field.get("description") or section.get("description"), name


def test_the_json_schema_accepts_the_documented_file():
    """The example of the reference, field by field."""
    document = FILE | {
        "manifests": ["keys"],
        "environments": ["prod"],
        "token": {"prefix": "krk"},
        "store": {"url": "sqlite:///.keyrec/keys.db"},
        "sink": {
            "age": {"directory": ".keyrec/secrets"},
            "vault": {
                "address": "https://vault.example:8200",
                "auth": {"method": "jwt", "role": "keyrec-apply"},
            },
        },
    }
    schema = ConfigDocument.model_json_schema(by_alias=True)
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    assert resolved(document).environments == frozenset({"prod"})


REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "configuration.md"
NAMES = {name for variable in VARIABLES for name in variable.names} | {
    name for names in ONLY_VARIABLES for name in names
}


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda v: v.path)
def test_the_reference_has_a_row_for_every_setting(variable):
    """Field and variables stand in the same row."""
    rows = [row for row in REFERENCE.read_text().splitlines() if row.startswith("| `")]
    names = ", ".join(f"`{name}`" for name in variable.names)
    assert [row for row in rows if row.startswith(f"| `{variable.path}` | {names} |")]


def test_the_reference_names_every_variable_and_no_other():
    """What is written there is read, and what is read is written there."""
    named = set(re.findall(r"`((?:KEYREC|VAULT|BAO|ACTIONS)_[A-Z_]+)`", REFERENCE.read_text()))
    assert named == NAMES | {CONFIG_VARIABLE}


def test_the_example_of_the_reference_can_be_used():
    """It is YAML that means what the page says."""
    (example,) = re.findall(r"```yaml\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
    settings = resolved(yaml.safe_load(example))
    assert settings.vault.auth.method is VaultAuthMethod.JWT
    assert settings.environments == frozenset({"prod"})


@pytest.mark.parametrize(
    "named",
    [
        "/proc/self/environ",
        "/dev/stdin",
        "/sys/x",
        "../proc/1/environ",
        "//proc/1/x",
        "link",
        "~/x",
    ],
)
@pytest.mark.parametrize("path", CREDENTIAL_FILES)
def test_a_file_names_no_credential_by_which_the_kernel_shows_itself(tmp_path, path, named):
    """Not behind a link either; a variable may, for who sets it holds what stands there."""
    (tmp_path / "link").symlink_to("/proc/self/environ")
    document = dict(FILE)
    _written(document, path.split("."), str(tmp_path / named) if named == "link" else named)
    home = {"HOME": "/proc/self"}
    assert problems(document, home)[0].startswith(f"{path}: lies below /proc, /sys or /dev")
    assert "canary" not in str(resolved(FILE, home | {CREDENTIAL_FILES[path]: "/proc/self/x"}))


@pytest.mark.parametrize("path", CREDENTIAL_FILES)
@pytest.mark.parametrize("named", ["token", "/run/secrets/token", "/process", "/home/dev/proc/x"])
def test_any_other_file_may_hold_a_credential(path, named):
    """Secrets are mounted anywhere."""
    document = dict(FILE)
    _written(document, path.split("."), named)
    assert resolved(document) != resolved()


def _written(document: dict[str, Any], names: list[str], value: str) -> None:
    """Put a value at a dotted path, in copies of what is there."""
    for name in names[:-1]:
        document[name] = dict(document.get(name, {}))
        document = document[name]
    document[names[-1]] = value


def test_it_is_known_what_the_file_decided_of_vault():
    """A variable that goes before the file decides; a field of another section is none of Vault's."""
    vault = {"address": "https://a", "caCert": "ca.pem", "auth": {"role": "r"}}
    document = FILE | {"sink": {"vault": vault, "age": {"directory": "x"}}}
    assert resolved(document).vault.from_file == {"address", "caCert", "auth.role"}
    assert resolved(document, {"BAO_ADDR": "https://b"}).vault.from_file == {"caCert", "auth.role"}
    assert resolved().vault.from_file == frozenset()
