"""Comparing presented secrets with stored hashes: argon2, in as many threads as there are cores.

Argon2 leaves the interpreter's lock, and more threads would only wait for each other. The ids that
are presented take turns (`fair_pool`), and one text is hashed once however many ask. What could not
be compared is neither right nor wrong, and is not remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from reconciler.credentials.hashing import hash_key, needs_rehash, verify
from reconciler.errors import HashingFailed, KeyrecError
from reconciler.model.policy import HashProfile
from reconciler.model.secret import Secret
from reconciler.model.token import ParsedToken
from reconciler.ports import Entropy
from reconciler.verification.bounded import Bounded
from reconciler.verification.doors import VerificationStore
from reconciler.verification.fair_pool import FairPool
from reconciler.verification.proofs import Proof, Proofs
from reconciler.verification.question import Question

MOST_TOLD = 256
"""Of how many hashes that cannot be compared it is remembered that they were told of."""


class Prover:
    """Checks secrets, and renews hashes that were made with other parameters than today's."""

    def __init__(
        self,
        store: VerificationStore,
        proofs: Proofs,
        pool: FairPool,
        *,
        entropy: Entropy,
        on_trouble: Callable[[str], None],
    ) -> None:
        """`pool`: where secrets are hashed; it is closed with the prover."""
        self.runs = 0
        self.renewed = 0
        self._store = store
        self._proofs = proofs
        self._pool = pool
        self._entropy = entropy
        self._on_trouble = on_trouble
        self._told: Bounded[str, bool] = Bounded(MOST_TOLD)
        self._proving: dict[tuple[bytes, str], Future[Proof]] = {}
        self._renewing: set[str] = set()
        self._renewals = FairPool(threads=1, steady=pool.steady, name="keyrec-renewer")
        self._lock = threading.RLock()

    def prove(
        self, question: Question, token: ParsedToken, stored_hash: str
    ) -> Future[Proof] | None:
        """Find out whether the text stands behind the hash, and remember it; None: no room.

        The answer raises HashingFailed where the two could not be compared.
        """
        asked = (question.name, stored_hash)
        with self._lock:
            answer = self._proving.get(asked) or self._known(question, stored_hash)
            if answer is not None:
                return answer
            answer = self._pool.submit(
                token.version_id, lambda: self._prove(question, token, stored_hash)
            )
            if answer is not None:
                self._proving[asked] = answer
                answer.add_done_callback(lambda _: self._proving.pop(asked, None))
            return answer

    def renew(
        self, version_id: str, stored_hash: str, secret: Secret, profile: HashProfile
    ) -> None:
        """Store a hash made with today's parameters, later and beside; one at a time."""
        with self._lock:
            if version_id in self._renewing or not needs_rehash(stored_hash, profile=profile):
                return
            self._renewing.add(version_id)
        begun = self._renewals.submit(
            version_id, lambda: self._renew(version_id, stored_hash, secret, profile)
        )
        if begun is None:
            self._renewing.discard(version_id)
        else:
            begun.add_done_callback(lambda _: self._renewing.discard(version_id))

    @property
    def is_closed(self) -> bool:
        """Whether nothing is proven any more."""
        return self._pool.is_closed

    def close(self) -> None:
        """Finish what was begun."""
        self._pool.close()
        self._renewals.close()

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
            if self._told.get(stored_hash) is None:
                self._told.put(stored_hash, value=True)
                self._on_trouble(f"The key {token.version_id} cannot be checked: {error.message}")
            raise
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
        except KeyrecError as error:
            self._on_trouble(f"The hash of {version_id} was not renewed: {error.message}")
