"""How a field's reader refuses a value: a code, a sentence and a mend, carried through pydantic."""

from __future__ import annotations

from typing import NoReturn

from pydantic_core import PydanticCustomError

from reconciler.manifest.codes import Code
from reconciler.manifest.snippets import quoted

REFUSAL = "keyrec"
"""The type under which pydantic reports our own refusals."""


def refuse(code: Code, message: str, advice: str) -> NoReturn:
    """Refuse a value; `wording` turns it into a fault at its place."""
    raise PydanticCustomError(
        REFUSAL, "{message}", {"code": code, "message": message, "advice": advice}
    )


def text_value(value: object, what: str) -> str:
    """Take a text, or say how to write one."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int)):
        shown = quoted(value)
        refuse(Code.WRONG_TYPE, f"{what} is a text, not {shown}", f'write "{shown}" with quotes')
    refuse(Code.WRONG_TYPE, f"{what} is a text, not {quoted(value)}", "write one text")
