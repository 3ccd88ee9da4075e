"""What names a rule of the review, how grave it is, and until when a finding is accepted."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, TypeAlias

from pydantic import PlainValidator

from reconciler.manifest.closest import suggestion
from reconciler.manifest.codes import Code
from reconciler.manifest.refusal import refuse
from reconciler.manifest.schema_texts import text_schema, whole
from reconciler.manifest.schema_values import choice, words
from reconciler.manifest.snippets import quoted
from reconciler.model.policy_document import OFF
from reconciler.model.rule_ids import RULE_IDS
from reconciler.model.severity import Severity

_SEVERITIES_OR_OFF = {**words(Severity), OFF: OFF}

SeverityOrOffField: TypeAlias = Annotated[
    str, choice(_SEVERITIES_OR_OFF, "a severity"), text_schema(enum=[*_SEVERITIES_OR_OFF])
]


def _rule(value: object) -> str:
    if not isinstance(value, str) or value not in RULE_IDS:
        advice = suggestion(str(value), RULE_IDS, otherwise="docs/reference/rules lists them")
        refuse(Code.BAD_RULE, f"{quoted(value)} is not the id of a rule", advice)
    return value


RuleField: TypeAlias = Annotated[str, PlainValidator(_rule), text_schema(enum=[*RULE_IDS])]


def _day(value: object) -> date:
    text = value if isinstance(value, str) and _DAY.fullmatch(value) else ""
    try:
        return date.fromisoformat(text)
    except ValueError:
        refuse(Code.BAD_DAY, f"{quoted(value)} is not a day", "write it as in 2027-01-31")


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
Day: TypeAlias = Annotated[
    date, PlainValidator(_day), text_schema(format="date", pattern=whole(_DAY.pattern))
]
