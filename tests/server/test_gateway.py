"""What a gateway asks for is taken whole or refused; a client never weakens it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.scopes import ScopeGrant
from reconciler.server.answers import Misconfigured
from reconciler.server.gateway import Wanted, wanted_by_gateway

OPERATE = ScopeGrant(resource="Reviews", level="operate")


@pytest.mark.parametrize(
    ("headers", "query", "wanted"),
    [
        ([], None, Wanted()),
        ([], "", Wanted()),
        ([], "require=Reviews:operate", Wanted(scope=OPERATE)),
        ([], "require=Reviews%3Aoperate&mode=nginx", Wanted(scope=OPERATE, is_for_nginx=True)),
        ([], "mode=nginx", Wanted(is_for_nginx=True)),
        ([("X-Auth-Require", " Reviews:operate ")], None, Wanted(scope=OPERATE)),
        ([("x-auth-require", "Reviews:operate")], "require=Reviews:operate", Wanted(scope=OPERATE)),
        ([("x-auth-require", "Reviews:operate")] * 2, "", Wanted(scope=OPERATE)),
    ],
)
def test_a_scope_comes_from_the_address_or_a_header(headers, query, wanted) -> None:
    """Said twice the same, it is said once."""
    assert wanted_by_gateway(headers, query=query) == wanted


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([], "require="),
        ([], "require"),
        ([], "require=Reviews"),
        ([], "require=Reviews:"),
        ([], "require=Reviews:operate:more"),
        ([], "require=$scope"),
        ([], "require=Reviews:read&require=Reviews:operate"),
        ([], "requires=Reviews:read"),
        ([], "mode=envoy"),
        ([], "mode="),
        ([], "&".join(["mode=nginx"] * 9)),
        ([("X-Auth-Require", "")], None),
        ([("X-Auth-Require", "Reviews:read, Reviews:operate")], None),
        ([("X-Auth-Require", "Reviews:read")], "require=Reviews:operate"),
        ([("X-Auth-Require", "Reviews:read"), ("X-Auth-Require", "Reviews:operate")], None),
    ],
)
def test_what_is_not_understood_or_contradicts_is_refused(headers, query) -> None:
    """An empty variable of a configuration asks for nothing only by mistake."""
    assert isinstance(wanted_by_gateway(headers, query=query), Misconfigured)


@given(header=st.lists(st.text()), query=st.text())
def test_a_client_that_adds_to_a_gateways_question_never_weakens_it(header, query) -> None:
    """Whatever it adds, the gateway's scope is asked for, or nobody enters."""
    added = [("X-Auth-Require", text) for text in header]
    by_address = wanted_by_gateway(added, query=f"require=Reviews:operate&{query}")
    by_header = wanted_by_gateway([("X-Auth-Require", "Reviews:operate"), *added], query=query)
    for wanted in (by_address, by_header):
        assert isinstance(wanted, Misconfigured) or wanted.scope == OPERATE


@given(headers=st.lists(st.tuples(st.text(), st.text())), query=st.none() | st.text())
def test_any_texts_have_an_answer(headers, query) -> None:
    """No exception."""
    assert isinstance(wanted_by_gateway(headers, query=query), Wanted | Misconfigured)
