"""The page about gateways, and the ready-made files for nginx: they name all that keyrec says."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from reconciler.config import settings_from
from reconciler.server.answers import AUTH_HEADERS
from reconciler.server.gateway import REQUIRE_HEADER, read_scope
from tests.fakes.typed_page import ROOT

PAGE = (ROOT / "docs/how-to/behind-a-gateway.md").read_text("utf-8")
NGINX = ROOT / "examples/08-nginx"


def block(language: str, begin: str) -> str:
    """Give the one block of a language that begins with a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = (each for each in blocks if each.startswith(begin))
    return str(found)


def section(title: str) -> str:
    """Give what stands under a heading."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def yaml_of(begin: str) -> Any:
    """Give a block of YAML, read."""
    return yaml.safe_load(block("yaml", begin))


def test_every_piece_of_yaml_on_the_page_is_yaml() -> None:
    """All of them can be read, and each is a mapping."""
    pieces = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(pieces) == 4
    assert [type(yaml.safe_load(piece)) for piece in pieces] == [dict] * 4


def test_the_configuration_of_the_page_is_one() -> None:
    """It trusts one proxy, by its own address."""
    document = yaml_of("# keyrec.yaml")
    settings = settings_from(document, environ={}, root="/srv/keyrec")
    assert settings.server.trusted_proxies == ("192.0.2.10",)


@pytest.mark.parametrize("name", AUTH_HEADERS)
def test_every_gateway_deals_with_every_header_of_keyrecs(name: str) -> None:
    """A header that is added to keyrec has to be added here, or a client's own would pass."""
    variable = name.removeprefix("X-Auth-").replace("-", "_").lower()
    location = (NGINX / "keyrec/location.conf").read_text("utf-8")
    assert f"$keyrec_{variable} $upstream_http_x_auth_{variable};" in location
    assert f"proxy_set_header {name} $keyrec_{variable};" in location
    assert f"proxy_hide_header {name};" in (NGINX / "keyrec/question.conf").read_text("utf-8")
    assert {"remove": name.lower()} in envoy_mutations("before-keyrec")
    assert f" {name}" in section("Caddy")
    assert f"`{name}`" in section("What is the same for all")


def envoy_mutations(name: str) -> list[dict[str, Any]]:
    """Give what a filter of Envoy's does to the headers of requests."""
    filters = yaml_of("# in the HTTP connection manager")["http_filters"]
    (config,) = (each["typed_config"] for each in filters if each["name"] == name)
    return list(config["mutations"]["request_mutations"])


def test_envoy_asks_between_two_removals_and_fails_closed() -> None:
    """A client's headers go first, its key goes last, and a failure lets nobody in."""
    manager = yaml_of("# in the HTTP connection manager")
    names = [each["name"] for each in manager["http_filters"]]
    assert names == ["before-keyrec", "keyrec", "after-keyrec", "router"]
    asking = manager["http_filters"][1]["typed_config"]
    assert asking["failure_mode_allow"] is False
    assert {"remove": "x-api-key"} in envoy_mutations("after-keyrec")
    assert manager["use_remote_address"] is True


def test_a_route_of_envoys_that_names_no_scope_is_refused() -> None:
    """What stands in its place is no scope; what the route of the page sets is one."""
    (default,) = (m["append"] for m in envoy_mutations("before-keyrec") if "append" in m)
    (host,) = yaml_of("# in the HTTP connection manager")["route_config"]["virtual_hosts"]
    (route,) = host["routes"]
    override = route["typed_per_filter_config"]["before-keyrec"]["mutations"]
    (chosen,) = (m["append"] for m in override["request_mutations"])
    for written in (default, chosen):
        assert written["header"]["key"] == REQUIRE_HEADER
        assert written["append_action"] == "OVERWRITE_IF_EXISTS_OR_ADD"
    assert read_scope(default["header"]["value"]) is None
    assert read_scope(chosen["header"]["value"]) is not None


def test_every_router_of_traefiks_asks_and_takes_the_key_away() -> None:
    """None to the application goes without, and none believes a client's headers."""
    http = yaml_of("# dynamic configuration")["http"]
    asking = {
        name: m["forwardAuth"] for name, m in http["middlewares"].items() if "forwardAuth" in m
    }
    for router in http["routers"].values():
        asks, strips = router["middlewares"]
        assert asks in asking
        assert http["middlewares"][strips]["headers"]["customRequestHeaders"]["X-API-Key"] == ""
    for each in asking.values():
        assert each["trustForwardHeader"] is False
        assert each["authRequestHeaders"] == ["Authorization", "X-API-Key"]
        pattern = re.compile(each["authResponseHeadersRegex"])
        assert all(pattern.search(name) for name in AUTH_HEADERS)
        assert read_scope(each["address"].partition("?require=")[2]) is not None


def test_caddy_keeps_the_order_of_its_lines() -> None:
    """Remove, ask, take the key away, pass on; inside `route`, where nothing is sorted."""
    lines = [line.split()[0:2] for line in section("Caddy").partition("route ")[2].splitlines()]
    wanted = (
        ["request_header", "-X-Auth-*"],
        ["forward_auth", "127.0.0.1:8321"],
        ["request_header", "-Authorization"],
        ["request_header", "-X-API-Key"],
        ["reverse_proxy", "127.0.0.1:8322"],
    )
    places = [lines.index(line) for line in wanted]
    assert places == sorted(places)
