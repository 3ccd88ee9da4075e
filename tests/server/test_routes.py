"""Which request needs which right: the table, and paths that try to be taken for others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ConfigInvalid
from reconciler.model.scopes import ScopeGrant
from reconciler.server.routes import WEBSOCKET, Access, Routes, RouteTable, is_odd, wanted_scope

TABLE: RouteTable = {
    "/*": "Reviews:read",
    "/": Access.PUBLIC,
    "/static/*": Access.PUBLIC,
    "GET,PUT /admin/*": "Credentials:change",
    "GET /admin/motd": Access.PUBLIC,
    "POST /reviews": ScopeGrant(resource="Reviews", level="operate"),
    "/feed/*": Access.ANY_KEY,
}
ROUTES = Routes.of(TABLE)


@pytest.mark.parametrize(
    ("method", "path", "need"),
    [
        ("GET", "", "public"),
        ("GET", "/", "public"),
        ("GET", "/other", "Reviews:read"),
        ("GET", "/other/", "Reviews:read"),
        ("GET", "/static", "public"),
        ("GET", "/static/", "public"),
        ("GET", "/static/a/b.css", "public"),
        ("GET", "/staticky", "Reviews:read"),
        ("GET", "/admin", "Credentials:change"),
        ("PUT", "/admin/users/1", "Credentials:change"),
        ("HEAD", "/admin/users/1", "Credentials:change"),
        ("GET", "/admin/motd", "public"),
        ("GET", "/admin/motd/", "public"),
        ("GET", "/admin/motd/x", "Credentials:change"),
        # The narrowest path decides alone: no method falls through to a wider one.
        ("POST", "/admin/users/1", None),
        ("get", "/admin/users/1", None),
        ("PUT", "/admin/motd", None),
        ("GET", "/reviews", None),
        ("POST", "/reviews", "Reviews:operate"),
        ("POST", "/reviews/", "Reviews:operate"),
        ("POST", "/reviews/1", "Reviews:read"),
        (WEBSOCKET, "/feed/live", "any-key"),
        (WEBSOCKET, "/admin/live", None),
        # What somebody could read as another path has no rule.
        ("GET", "/Admin/users", None),
        ("GET", "/ADMIN", None),
        ("GET", "/\u017ftatic/x", None),
        ("GET", "/Static/x", None),
        ("GET", "//admin", None),
        ("GET", "/static//x", None),
        ("GET", "/static/../admin", None),
        ("GET", "/static/..", None),
        ("GET", "/static/./x", None),
        ("GET", "/static\\..\\admin", None),
        ("GET", "/static/%2e%2e/admin", None),
        ("GET", "/static%2Fadmin", None),
        ("GET", "/static/%252e", None),
        ("GET", "/static/\x00", None),
        ("GET", "/static/a\n", None),
        ("OPTIONS", "*", None),
        ("GET", "http://elsewhere/static/x", None),
    ],
)
def test_the_narrowest_path_decides(method: str, path: str, need: str | None) -> None:
    """Each request has the need of the most specific path, or none at all."""
    found = ROUTES.need(method, path)
    assert (None if found is None else str(found)) == need


@pytest.mark.parametrize("as_sent", ["/static%2Fx", "/static/a%5cb", "/static/x%00"])
def test_an_encoded_separator_has_no_rule(as_sent: str) -> None:
    """A server has decoded it already; whoever else reads the address may not have."""
    assert ROUTES.need("GET", "/static/x", as_sent="/static/x") is Access.PUBLIC
    assert ROUTES.need("GET", "/static/x", as_sent=as_sent) is None


def test_a_table_without_a_rule_for_all_is_closed() -> None:
    """What is not named is not let in."""
    routes = Routes.of({"GET /reviews": "Reviews:read"})
    assert [routes.need("GET", path) for path in ("/", "/review", "/reviews/1")] == [None] * 3
    assert Routes.of({}).need("GET", "/") is None


@given(
    segments=st.lists(st.sampled_from(["admin", "static", "x", "motd"]), min_size=1),
    odd=st.sampled_from(["//", "/./", "/../", "/%2e%2e/", "/%2F/", "\\", "/\x00/"]),
    place=st.integers(min_value=0),
)
def test_no_odd_path_has_a_rule(segments: list[str], odd: str, place: int) -> None:
    """Wherever the oddity stands, nothing is let in by it."""
    at = place % len(segments)
    path = "/" + "/".join(segments[:at]) + odd + "/".join(segments[at:])
    assert is_odd(path)
    assert ROUTES.need("GET", path) is None


@given(path=st.text().map("/admin/".__add__), method=st.sampled_from(["GET", "PUT", "POST", "X"]))
def test_below_a_narrow_path_no_wider_rule_holds(path: str, method: str) -> None:
    """Whatever follows `/admin/`, it is never enough to hold what `/*` asks for."""
    assert str(ROUTES.need(method, path)) in {"Credentials:change", "None", "public"}
    if path.removesuffix("/") != "/admin/motd":
        assert ROUTES.need(method, path) is not Access.PUBLIC


@given(path=st.text().map("/Static/".__add__))
def test_another_case_never_opens_a_path(path: str) -> None:
    """`/Static` is neither the public `/static` nor what `/*` stands for."""
    assert ROUTES.need("GET", path) is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "reviews",
        "GET",
        "GET  /reviews",
        "get /reviews",
        "GET, PUT /reviews",
        "/reviews/{name}",
        "/reviews/*/approve",
        "/reviews*",
        "/reviews//x",
        "/reviews/../x",
        "/reviews?x",
    ],
)
def test_a_line_that_means_nothing_is_refused(line: str) -> None:
    """A typing error is told when the table is read, not when a request comes."""
    with pytest.raises(ConfigInvalid) as refused:
        Routes.of({line: "Reviews:read"})
    assert repr(line) in str(refused.value)
    assert refused.value.advice


@pytest.mark.parametrize("scope", ["", "Reviews", "Reviews:", ":read", "public", "a:b:c", "a: b"])
def test_a_scope_without_a_level_is_refused(scope: str) -> None:
    """Also where it is the name of an access: those are written as `Access`."""
    with pytest.raises(ConfigInvalid):
        wanted_scope(scope)
    with pytest.raises(ConfigInvalid):
        Routes.of({"/x": scope})


@pytest.mark.parametrize("other", ["/Reviews/*", "GET,PUT /reviews/*", "GET /reviews/*/"])
def test_two_lines_for_the_same_are_refused(other: str) -> None:
    """Neither is silently the one that counts."""
    with pytest.raises(ConfigInvalid):
        Routes.of({"GET /reviews/*": "Reviews:read", other: "Reviews:operate"})


def test_lines_of_one_path_add_up() -> None:
    """Methods of one path may stand in lines of their own, beside one for the rest."""
    routes = Routes.of(
        {"/x": "Reviews:read", "POST /x/": "Reviews:operate", "GET /x/*": Access.ANY_KEY}
    )
    needs = [routes.need(method, "/x") for method in ("GET", "POST", "DELETE")]
    assert [str(need) for need in needs] == ["Reviews:read", "Reviews:operate", "Reviews:read"]
    assert routes.need("GET", "/x/y") is Access.ANY_KEY
