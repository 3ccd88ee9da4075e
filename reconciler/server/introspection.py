"""Introspection: a service asks about a key that somebody presented to it.

The rule: the caller shows its own key, which needs the scope `Introspection:use`; about the other
key it learns what that key's holder would be told, and of a key that is not proven no more than
that it is not active. The members `active`, `sub`, `scope` and `exp` are those of RFC 7662; where
nothing was decided there is no `active` at all. What does not live here: the form of the question
(`questions.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from reconciler.credentials.verdict import Allowed, Denied, Verdict
from reconciler.model.scopes import INTROSPECT
from reconciler.server.answers import NO_STORE, Answer, Asked, answer_of, is_told, refusal
from reconciler.server.authorization import Service, outcome_of, version_of
from reconciler.server.counts import Asking
from reconciler.server.presented import KeyPresented, presented_among
from reconciler.server.problems import Problem, instant
from reconciler.server.questions import MOST_BYTES, FormRefused, KeyQuestion, read_question
from reconciler.server.requests import (
    Receive,
    Scope,
    Send,
    addresses_of,
    header_values,
    note_of,
    send_noted,
    text_headers,
)

INTROSPECTION: Final = "/v1/introspect"
JSON: Final = "application/json"

_TOO_LONG = refusal(
    413,
    Problem(
        code="body-too-long", title="The body is too long", detail=f"At most {MOST_BYTES} bytes."
    ),
    more=(("Connection", "close"),),
)
_NO_JSON = refusal(
    415, Problem(code="not-json", title="The body is not JSON", detail=f"Send it as {JSON}.")
)


@dataclass(frozen=True, slots=True, eq=False)
class Introspection:
    """The endpoint, as an ASGI application that is sent POST requests."""

    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        note_of(scope).add(route="introspect")
        answer = await self._refuse_caller(scope)
        if answer is None:
            answer = await self._answer(scope, receive)
        if answer is not None:
            await send_noted(scope, send, answer)

    async def _refuse_caller(self, scope: Scope) -> Answer | None:
        """Give the answer to whoever may not ask; None for who may."""
        service, manner = self.service, self.service.manner()
        values = header_values(scope, service.names)
        presented = presented_among(values, addresses=addresses_of(scope))
        if not isinstance(presented, KeyPresented):
            service.counts.add(Asking.CALLER, outcome_of(presented))
            note_of(scope).add(caller_outcome=outcome_of(presented))
            return answer_of(presented, manner=manner)
        verdict, address = await service.decide_presenter(
            scope, values, presented.secret, INTROSPECT
        )
        service.counts.add(Asking.CALLER, outcome_of(verdict))
        note_of(scope).add(caller=version_of(verdict), caller_outcome=outcome_of(verdict))
        if isinstance(verdict, Allowed):
            return None
        asked = Asked(scope=str(INTROSPECT), address=address)
        return answer_of(verdict, manner=manner, asked=asked)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        """Answer about the other key; None where the caller is gone."""
        types = [v for n, v in text_headers(scope) if n.lower() == "content-type"]
        if [t.partition(";")[0].strip().lower() for t in types] != [JSON]:
            return _NO_JSON
        body = await _body(scope, receive)
        if body is None:
            return None
        if len(body) > MOST_BYTES:
            return _TOO_LONG
        question = read_question(body)
        if isinstance(question, FormRefused):
            wrong = Problem(
                code="not-understood",
                title="The question is not understood",
                detail=question.detail,
            )
            return refusal(400, wrong)
        return await self._answer_question(scope, question)

    async def _answer_question(self, scope: Scope, question: KeyQuestion) -> Answer:
        verdict = await self.service.verifier.check_async(
            question.secret,
            address=question.address,
            scope=question.scope,
            environment=question.environment,
        )
        self.service.counts.add(Asking.INTROSPECT, outcome_of(verdict))
        note_of(scope).add(outcome=outcome_of(verdict), version=version_of(verdict))
        manner = self.service.manner()
        if isinstance(verdict, Denied) and verdict.is_undecided:
            return answer_of(verdict, manner=manner)
        text = json.dumps(self._members(verdict), ensure_ascii=True) + "\n"
        headers = (NO_STORE, ("Content-Type", JSON))
        return Answer(status=200, headers=headers, body=text.encode("ascii"))

    def _members(self, verdict: Verdict) -> dict[str, object]:
        if isinstance(verdict, Denied):
            told = is_told(verdict, self.service.disclosure)
            return {"active": False} | ({"reason": verdict.reason} if told else {})
        record, expires_at = verdict.record, verdict.record.expires_at
        return {
            "active": True,
            "sub": record.key_id,
            "scope": " ".join(map(str, record.fields.scopes)),
            **({} if expires_at is None else {"exp": int(expires_at.timestamp())}),
            "workspace": record.address.workspace,
            "key_name": record.address.name,
            "version": verdict.version.version_id,
            "environment": record.fields.environment,
            "expires_at": instant(expires_at),
            "retiring": verdict.is_retiring,
            "rotate_by": instant(verdict.rotate_by),
        }


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Read a body, of one that is too long no more than that it is; None where it breaks off."""
    announced = [v for n, v in text_headers(scope) if n.lower() == "content-length"]
    if any(not text.isascii() or not text.isdigit() or len(text) > 9 for text in announced):
        return bytes(MOST_BYTES + 1)
    if any(int(text) > MOST_BYTES for text in announced):
        return bytes(MOST_BYTES + 1)
    body = bytearray()
    while len(body) <= MOST_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)
