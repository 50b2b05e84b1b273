"""What the gateway asks the ranking service, in this process or over HTTP."""

from typing import Protocol

from catalog.types import Item
from ranker.service import DatasetSummary, HistoryEntry, RankingQuery, Recommendations


class RankerUnavailableError(RuntimeError):
    """The ranking service does not answer."""


class RankerClient(Protocol):
    """Answers about users and items.

    Every method may raise UnknownUserError, UnknownItemError, InvalidValueError (what is asked is
    wrong) or RankerUnavailableError.
    """

    async def rank(self, query: RankingQuery, timeout_s: float) -> Recommendations:
        """Return the top k for a query."""
        ...

    async def summary(self) -> DatasetSummary:
        """Return what the Dataset is about."""
        ...

    async def history(self, user_id: str, limit: int) -> list[HistoryEntry]:
        """Return a user's latest visible interactions, latest first."""
        ...

    async def users(self, search: str, limit: int) -> list[tuple[str, int]]:
        """Return users whose id contains the text, with their number of interactions."""
        ...

    async def items(self, search: str, limit: int) -> list[Item]:
        """Return visible items whose title contains the text."""
        ...

    async def item(self, item_id: str) -> Item:
        """Return an item."""
        ...
