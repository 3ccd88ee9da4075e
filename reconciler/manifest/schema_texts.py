"""What a text field may hold: names, principals, recipients, labels, free text.

Each reader takes what stands in the manifest and gives the model's own value, or refuses. Nothing
is turned into another type on the way: a number is no text and a text no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

from reconciler.manifest.codes import Code
from reconciler.manifest.refusal import refuse, text_value
from reconciler.manifest.secret_text import redacted
from reconciler.manifest.snippets import UNPRINTABLE, printable, quoted
from reconciler.model.policy import DEFAULT_TEMPLATE
from reconciler.model.sink_path import LONGEST_PATH, path_fault, template_fault
from reconciler.model.token import ENVIRONMENT_PATTERN

NAME_PATTERN = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
PRINCIPAL_PATTERN = r"[a-z][a-z0-9-]{0,15}:[!-~]{1,255}"
RECIPIENT_PATTERN = (
    "age1[02-9ac-hj-np-z]{58}|(ssh-ed25519|ssh-rsa) [A-Za-z0-9+/]{32,}={0,2}( .{1,200})?"
)
LABEL_PATTERN = "[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?"
RESOURCE_PATTERN = "[A-Za-z][A-Za-z0-9]{0,62}"
LEVEL_PATTERN = "[a-z][a-z0-9-]{0,31}"

LONGEST_LINE = 200
LONGEST_TEXT = 2000


def text_schema(**keywords: Any) -> WithJsonSchema:
    """Give the JSON Schema of a text."""
    return WithJsonSchema({"type": "string", **keywords})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    """A text that has to be of one form."""

    what: str
    pattern: re.Pattern[str]
    code: Code
    advice: str

    def __call__(self, value: object) -> str:
        """Take the text where it is of the form."""
        text = text_value(value, self.what)
        if self.pattern.fullmatch(text) is None:
            refuse(self.code, f"{quoted(text)} is not {self.what}", self.advice)
        return text


def patterned(what: str, pattern: str, code: Code, advice: str) -> PlainValidator:
    """Make the reader of a text that has to be of one form."""
    compiled = re.compile(pattern, re.ASCII)
    return PlainValidator(_Pattern(what=what, pattern=compiled, code=code, advice=advice))


def whole(pattern: str) -> str:
    """Give the pattern for the whole of a text, as JSON Schema writes it."""
    return f"^({pattern})$"


Name: TypeAlias = Annotated[
    str,
    patterned(
        "a name",
        NAME_PATTERN,
        Code.BAD_NAME,
        "names hold a-z, 0-9 and -, start and end with a letter or a digit, "
        "and are at most 63 long, such as billing-sync-prod",
    ),
    text_schema(pattern=whole(NAME_PATTERN), maxLength=63),
]

LabelName: TypeAlias = Annotated[
    str,
    patterned(
        "a label's name",
        LABEL_PATTERN,
        Code.BAD_NAME,
        "labels are named with letters, digits, ., _, / and -, at most 63 long, such as system",
    ),
    text_schema(pattern=whole(LABEL_PATTERN)),
]

ResourceName: TypeAlias = Annotated[
    str,
    patterned(
        "a resource of the API",
        RESOURCE_PATTERN,
        Code.BAD_NAME,
        "resources hold letters and digits, at most 63 long, such as Reviews",
    ),
    text_schema(pattern=whole(RESOURCE_PATTERN)),
]

LevelName: TypeAlias = Annotated[
    str,
    patterned(
        "a level",
        LEVEL_PATTERN,
        Code.BAD_NAME,
        "levels hold a-z, 0-9 and -, at most 32 long, such as read",
    ),
    text_schema(pattern=whole(LEVEL_PATTERN)),
]

Environment: TypeAlias = Annotated[
    str,
    patterned(
        "an environment",
        ENVIRONMENT_PATTERN,
        Code.BAD_ENVIRONMENT,
        "environments hold a-z and 0-9 alone and are at most 16 long, such as prod",
    ),
    text_schema(pattern=whole(ENVIRONMENT_PATTERN)),
]

Principal: TypeAlias = Annotated[
    str,
    patterned(
        "a principal",
        PRINCIPAL_PATTERN,
        Code.BAD_PRINCIPAL,
        "write how they log in, a colon and their name, such as local:alice",
    ),
    text_schema(pattern=whole(PRINCIPAL_PATTERN)),
]

Recipient: TypeAlias = Annotated[
    str,
    patterned(
        "an age recipient",
        RECIPIENT_PATTERN,
        Code.BAD_RECIPIENT,
        "write a public key: age1…, ssh-ed25519 … or ssh-rsa …",
    ),
    text_schema(pattern=whole(RECIPIENT_PATTERN)),
]


def _free_text(longest: int, breaks: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = text_value(value, "this")
        shown = text.strip()
        if not shown:
            refuse(
                Code.EMPTY_VALUE,
                "there is no value here",
                "write a value, or take the whole line out",
            )
        if len(text) > longest:
            refuse(Code.BAD_TEXT, f"this is {len(text)} characters long", f"{longest} are the most")
        unseen = UNPRINTABLE.search(text) or re.search(f"[{breaks}\x85\u2028\u2029]", text)
        if unseen is not None:
            refuse(
                Code.BAD_TEXT,
                f"the character U+{ord(unseen[0]):04X} is not allowed here",
                "take it out",
            )
        return shown

    return read


Line: TypeAlias = Annotated[
    str,
    PlainValidator(_free_text(LONGEST_LINE, "\n\r\t")),
    text_schema(minLength=1, maxLength=LONGEST_LINE),
]
"""One line of free text."""

Text: TypeAlias = Annotated[
    str,
    PlainValidator(_free_text(LONGEST_TEXT, "\r")),
    text_schema(minLength=1, maxLength=LONGEST_TEXT),
]
"""Free text of any number of lines."""


def _path(value: object) -> str:
    text = text_value(value, "a path")
    fault = path_fault(text)
    if fault is not None:
        refuse(
            Code.BAD_PATH,
            f"{quoted(text)} is not a path: {printable(redacted(fault))}",
            "write segments with / between them, such as payments/prod/billing-sync",
        )
    return text


def _template(value: object) -> str:
    text = text_value(value, "a template")
    fault = template_fault(text)
    if fault is not None:
        refuse(
            Code.BAD_TEMPLATE,
            f"{quoted(text)} is not a path template: {printable(redacted(fault))}",
            f"write a template such as {DEFAULT_TEMPLATE}",
        )
    return text


PathText: TypeAlias = Annotated[
    str,
    PlainValidator(_path),
    text_schema(
        pattern="^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$",
        maxLength=LONGEST_PATH,
    ),
]

Template: TypeAlias = Annotated[
    str,
    PlainValidator(_template),
    text_schema(pattern=r"^\{workspace\}/.*\{name\}.*$"),
]
