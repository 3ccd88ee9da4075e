"""A granted level covers itself and every weaker one of the same resource."""

import pytest

from reconciler.model.scopes import (
    BUILT_IN_CATALOG,
    CONSOLE_CATALOG,
    INTROSPECT,
    ScopeCatalog,
    ScopeGrant,
)

CATALOG = ScopeCatalog.of({"Jobs": ("list", "run", "own"), "Reviews": ("read", "operate")})


def grant(text: str) -> ScopeGrant:
    """Read `Resource:level`."""
    resource, _, level = text.partition(":")
    return ScopeGrant(resource=resource, level=level)


def test_the_consoles_catalogue_is_the_pages_table():
    """Reviews and SecurityScans are read or operated, the others read or changed."""
    assert dict(CONSOLE_CATALOG.resources) == {
        "Reviews": ("read", "operate"),
        "Workspaces": ("read", "change"),
        "Credentials": ("read", "change"),
        "Webhooks": ("read", "change"),
        "Repositories": ("read", "change"),
        "SecurityScans": ("read", "operate"),
    }


def test_what_keyrec_itself_asks_for_is_built_in_beside_the_pages_table():
    """One resource of our own, with one level."""
    own = set(BUILT_IN_CATALOG.resources) - set(CONSOLE_CATALOG.resources)
    assert own == {(INTROSPECT.resource, (INTROSPECT.level,))}
    assert str(INTROSPECT) == "Introspection:use"


@pytest.mark.parametrize(
    ("granted", "wanted", "is_covered"),
    [
        ("Jobs:list", "Jobs:list", True),
        ("Jobs:run", "Jobs:list", True),
        ("Jobs:own", "Jobs:list", True),
        ("Jobs:own", "Jobs:own", True),
        ("Jobs:list", "Jobs:run", False),
        ("Jobs:run", "Jobs:own", False),
        ("Reviews:operate", "Jobs:list", False),
        ("Reviews:operate", "Reviews:write", False),
        ("Reviews:write", "Reviews:read", False),
        ("Reviews:write", "Reviews:write", False),
        ("reviews:operate", "Reviews:read", False),
        ("Reviews:Read", "Reviews:read", False),
        ("Nothing:read", "Nothing:read", False),
    ],
)
def test_a_grant_covers_its_level_and_the_weaker_ones(granted, wanted, is_covered):
    """What the catalogue does not have covers nothing, not even itself."""
    assert CATALOG.covers(grant(granted), grant(wanted)) is is_covered


def test_a_catalogue_gives_the_levels_weakest_first():
    """An unknown resource has none."""
    assert CATALOG.levels("Jobs") == ("list", "run", "own")
    assert CATALOG.levels("Unknown") == ()


def test_an_extended_catalogue_takes_the_other_where_both_have_a_resource():
    """A declared catalogue adds to the built-in one and may redefine a resource."""
    extended = CATALOG.extended(ScopeCatalog.of({"Reviews": ("see",), "Billing": ("read",)}))

    assert dict(extended.resources) == {
        "Billing": ("read",),
        "Jobs": ("list", "run", "own"),
        "Reviews": ("see",),
    }


def test_the_order_of_resources_does_not_matter():
    """Equal catalogues are equal however they were written."""
    assert ScopeCatalog.of({"B": ("x",), "A": ("y",)}) == ScopeCatalog.of(
        {"A": ("y",), "B": ("x",)}
    )


def test_a_grant_is_shown_as_commands_take_it():
    """`Resource:level`."""
    assert str(ScopeGrant(resource="Webhooks", level="change")) == "Webhooks:change"
