"""Split: a share of the users gets the challenger's answers, by a stable hash.

The decision is the flag RANKING_MODEL of OpenFeature. A user is hashed together with the version of
the challenger: the same user gets the same version in every worker, and the next challenger gets
other users. The flag is evaluated only if there is a usable challenger and the share is not 0.
"""

from collections.abc import Sequence
from hashlib import sha256
from uuid import uuid4

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.hook import Hook
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from openfeature.provider.no_op_provider import NoOpProvider

from app.model.live_model import LiveModel
from app.recommend.serving_model import LiveModel as AnyLiveModel
from app.recommend.serving_model import ServingModel

RANKING_MODEL = "ranking-model"
CHAMPION, CHALLENGER = "champion", "challenger"
"""Values and variants of the flag."""
KEY_DIGITS = 32


class Split:
    """Chooses the model of a user. `hooks`: of OpenFeature, called at each evaluation."""

    def __init__(self, share: float, model: LiveModel, hooks: Sequence[Hook] = ()) -> None:
        """`share`: of the users who get the challenger, in [0, 1]."""
        self.share, self._model, self._other = share, model, _Challenger(model)
        self._domain = f"vitrine-{uuid4().hex}"  # providers are global: tests have several
        variants = {each: each for each in (CHAMPION, CHALLENGER)}
        flag = InMemoryFlag(CHAMPION, variants, context_evaluator=self._evaluate)
        if share:
            api.set_provider_and_wait(InMemoryProvider({RANKING_MODEL: flag}), self._domain)
        self._client = api.get_client(self._domain)
        self._client.add_hooks(list(hooks))

    def close(self) -> None:
        """Remove the provider."""
        if self.share:
            api.set_provider(NoOpProvider(), self._domain)

    def choose(self, user: str | None) -> AnyLiveModel | None:
        """The challenger, or None: the champion answers. `user`: what tells users apart; None: it
        is unknown, and the champion answers. Hooks get its hash only."""
        if not self.share:
            return None
        self._model.now()
        if self._model.challenger is None:
            return None
        hashed = sha256(user.encode("utf-8", "replace")).hexdigest()[:KEY_DIGITS] if user else None
        context = EvaluationContext(targeting_key=hashed)
        variant = self._client.get_string_value(RANKING_MODEL, CHAMPION, context)
        return self._other if variant == CHALLENGER else None

    def _evaluate(
        self, _: InMemoryFlag[str], context: EvaluationContext
    ) -> FlagResolutionDetails[str]:
        challenger = self._model.challenger
        if challenger is None or not context.targeting_key:
            return FlagResolutionDetails(CHAMPION, reason=Reason.DEFAULT, variant=CHAMPION)
        version = challenger.card.version
        chosen = CHALLENGER if position(context.targeting_key, version) < self.share else CHAMPION
        return FlagResolutionDetails(
            chosen,
            reason=Reason.SPLIT,
            variant=chosen,
            flag_metadata={"version": f"{version} {self.share:g}"},
        )


class _Challenger:
    """The challenger as a `LiveModel`; the champion as soon as there is none any more."""

    def __init__(self, model: LiveModel) -> None:
        self._model = model

    def now(self) -> ServingModel:
        champion = self._model.now()
        return self._model.challenger or champion


def position(user: str, version: str) -> float:
    """Where a user lies in [0, 1), evenly spread, independently for each version."""
    return int.from_bytes(sha256(f"{version} {user}".encode()).digest()[:8], "big") / 2**64
