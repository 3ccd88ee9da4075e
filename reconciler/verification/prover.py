"""A few threads that compare presented secrets with stored hashes: argon2, bounded.

As many as there are cores: argon2 leaves the interpreter's lock, and more would only wait for each
other. A hash that is damaged matches nothing, which is told to the operator, never to a presenter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from reconciler.credentials.hashing import hash_key, needs_rehash, verify
from reconciler.errors import HashingFailed
from reconciler.model.policy import HashProfile
from reconciler.model.secret import Secret
from reconciler.model.token import ParsedToken
from reconciler.ports import Entropy
from reconciler.verification.doors import VerificationStore
from reconciler.verification.proofs import Proof, Proofs
from reconciler.verification.question import Question


class Prover:
    """Checks secrets, and renews hashes that were made with other parameters than today's."""

    def __init__(
        self,
        store: VerificationStore,
        proofs: Proofs,
        *,
        threads: int,
        entropy: Entropy,
        on_trouble: Callable[[str], None],
    ) -> None:
        """Start no thread before the first check."""
        self.runs = 0
        self.renewed = 0
        self._store = store
        self._proofs = proofs
        self._entropy = entropy
        self._on_trouble = on_trouble
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="keyrec-prover")
        self._renewing: set[str] = set()
        self._proving: dict[tuple[bytes, str], Future[Proof]] = {}
        self._lock = threading.RLock()

    def prove(self, question: Question, token: ParsedToken, stored_hash: str) -> Future[Proof]:
        """Find out whether the text stands behind the hash, and remember it.

        Asked by many at once, it is hashed once; nobody may cancel the answer of all.
        """
        asked = (question.name, stored_hash)
        with self._lock:
            answer = self._proving.get(asked)
            if answer is None:
                answer = self._known(question, stored_hash) or self._pool.submit(
                    self._prove, question, token, stored_hash
                )
                self._proving[asked] = answer
                answer.add_done_callback(lambda _: self._proving.pop(asked, None))
            return answer

    def renew(
        self, version_id: str, stored_hash: str, secret: Secret, profile: HashProfile
    ) -> None:
        """Store a hash made with today's parameters, later and beside; once for each version."""
        if version_id in self._renewing or not needs_rehash(stored_hash, profile=profile):
            return
        self._renewing.add(version_id)
        self._pool.submit(self._renew, version_id, stored_hash, secret, profile)

    def close(self) -> None:
        """Finish what was begun."""
        self._pool.shutdown(wait=True)

    def _known(self, question: Question, stored_hash: str) -> Future[Proof] | None:
        """Give what somebody else found out a moment ago."""
        proof = self._proofs.find(question.name)
        if proof is None or proof.secret_hash != stored_hash:
            return None
        answer: Future[Proof] = Future()
        answer.set_result(proof)
        return answer

    def _prove(self, question: Question, token: ParsedToken, stored_hash: str) -> Proof:
        self.runs += 1
        try:
            is_match = verify(stored_hash, question.secret)
        except HashingFailed as error:
            self._on_trouble(f"A key cannot be checked: {error.message}")
            is_match = False
        proof = Proof(token=token, secret_hash=stored_hash, is_match=is_match)
        self._proofs.remember(question.name, proof)
        return proof

    def _renew(
        self, version_id: str, stored_hash: str, secret: Secret, profile: HashProfile
    ) -> None:
        try:
            new = hash_key(secret, entropy=self._entropy, profile=profile)
            if self._store.replace_hash(version_id, old=stored_hash, new=new):
                self.renewed += 1
        except Exception as fault:  # noqa: BLE001 - a hash that stays as it is does no harm
            self._on_trouble(f"A hash was not renewed: {type(fault).__name__}")
