"""The Ranker protocol: anything that returns the top k for a history."""

from collections.abc import Sequence, Set
from typing import Protocol, runtime_checkable

from catalog.types import History, Ranking


class Ranker(Protocol):
    """A black box that ranks items.

    Nothing else in Prism knows how it works. A ranker that cannot say what carried an item leaves
    `RankedItem.contributions` at None, and explanations then make no claim about it.
    """

    @property
    def name(self) -> str:
        """What it is called in answers, logs and metrics."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever its answers may change."""
        ...

    def rank(
        self, histories: Sequence[History], k: int, excluded: Sequence[Set[str]]
    ) -> list[Ranking]:
        """Return each user's best k items, best first.

        Items of the history and of `excluded` (one set per user) are left out; an unknown id is
        ignored. Fewer than k items, or none, come back where no more can be told apart.
        """
        ...


@runtime_checkable
class Scorer(Protocol):
    """A ranker that also ranks items which somebody else has chosen; no ranker need be one."""

    def score(
        self, histories: Sequence[History], candidates: Sequence[Sequence[str]]
    ) -> list[Ranking]:
        """Return all of each user's candidates, best first, also those of the history.

        The ids are known and distinct. The answer is empty where they cannot be told apart.
        """
        ...
