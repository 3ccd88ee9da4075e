"""A secret shows itself in one named way and in no other."""

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import string
import traceback

import pytest

from reconciler.model.secret import Secret

PLAIN = "plain-text-of-a-key"


@dataclasses.dataclass(frozen=True)
class Holder:
    """A value with a secret in it."""

    api_key: Secret


def test_a_secret_is_revealed_by_its_one_named_way():
    """`reveal` gives the text back unchanged."""
    assert Secret(PLAIN).reveal() == PLAIN


SHOWING = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "pprint": pprint.pformat,
    "format": "{}".format,
    "format repr with a width": "{!r:>40}".format,
    "format with a width": "{:>40}".format,
    "f-string": lambda secret: f"{secret}",
    "f-string with its name": lambda secret: f"{secret=}",
    "f-string with a precision": lambda secret: f"{secret:.3}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - an old way, tried too
    "template": lambda secret: string.Template("$it").substitute(it=secret),
    "inside a dataclass": lambda secret: repr(Holder(api_key=secret)),
    "inside containers": lambda secret: repr([secret, {"key": secret}]),
    "inside an exception": lambda secret: repr(ValueError(secret)),
    "names of attributes": lambda secret: "\n".join(dir(secret)),
}


@pytest.mark.parametrize("show", SHOWING.values(), ids=SHOWING.keys())
def test_no_formatting_shows_a_secret(show):
    """Every way to make text of it gives something else."""
    assert PLAIN not in show(Secret(PLAIN))


LEAVING = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "json": json.dumps,
    "dataclass to dict": lambda secret: dataclasses.asdict(Holder(api_key=secret)),
    "reduce": lambda secret: secret.__reduce__(),
    "reduce by protocol": lambda secret: secret.__reduce_ex__(4),
    "state": lambda secret: secret.__getstate__(),
    "attributes": vars,
    "length": len,
    "truth": bool,
    "bytes": bytes,
    "iteration": iter,
    "hash": hash,
    "mapping key": lambda secret: {secret: 1},
    "equal to itself": lambda secret: secret == secret,  # noqa: PLR0124 - even that
    "equal to a text": lambda secret: secret == PLAIN,
    "not equal": lambda secret: secret != PLAIN,
    "order": lambda secret: secret < Secret(PLAIN),
    "membership": lambda secret: PLAIN in [secret, secret],
    "index": lambda secret: secret[0],
    "concatenation": lambda secret: secret + "",
    "joining": lambda secret: ",".join([secret] * 2),
}


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING.keys())
def test_a_secret_cannot_leave_be_compared_or_be_measured(leave):
    """Copying, serialising, comparing and measuring are refused, without a word of the text."""
    with pytest.raises(TypeError) as refusal:
        leave(Secret(PLAIN))

    assert PLAIN not in str(refusal.value)


def test_a_logged_secret_does_not_reach_the_log(caplog):
    """Passing one to a logger by accident writes stars."""
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("key %s of %r", Secret(PLAIN), [Secret(PLAIN)])

    assert "Secret(***)" in caplog.text
    assert PLAIN not in caplog.text


def test_a_traceback_with_locals_does_not_show_a_secret():
    """Even a report that prints local variables shows stars."""
    api_key = Secret(PLAIN)
    try:
        len(api_key)
    except TypeError as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)

    text = "".join(report.format())
    assert "Secret(***)" in text
    assert PLAIN not in text
