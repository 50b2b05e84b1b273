"""The routes that look up users and items: the gateway's, and the ranking service's own."""

from typing import Annotated

from fastapi import FastAPI, Query

from catalog.types import Id, Item
from service.http.route import INTEGER
from service.ranker_client.protocol import RankerClient
from service.ranker_client.wire import (
    DatasetResponse,
    HistoryItem,
    HistoryResponse,
    ItemsResponse,
    UserInfo,
    UsersResponse,
)

Limit = Annotated[int, Query(ge=1, le=1000, description="Most entries to return."), INTEGER]
Search = Annotated[str, Query(max_length=200, description="Text to look for.")]


def add_lookups(app: FastAPI, ranker_client: RankerClient) -> None:
    """Add the routes, answered by a ranking service here or elsewhere."""

    @app.get(
        "/users/{user_id:path}/history",
        tags=["look up"],
        responses={404: {"description": "No such user."}},
    )
    async def history(user_id: Id, limit: Limit = 100) -> HistoryResponse:
        """Return what a user touched, latest first."""
        entries = await ranker_client.history(user_id, limit)
        items = [
            HistoryItem(item=e.item, value=e.value, timestamp=e.timestamp, liking=e.liking)
            for e in entries
        ]
        return HistoryResponse(user_id=user_id, items=items)

    @app.get("/dataset", tags=["look up"])
    async def dataset() -> DatasetResponse:
        """Return what the items are called, and which value says that somebody liked one."""
        summary = await ranker_client.summary()
        return DatasetResponse(name=summary.name, noun=summary.noun, usual=summary.usual)

    @app.get("/users", tags=["look up"])
    async def users(search: Search = "", limit: Limit = 20) -> UsersResponse:
        """Return users whose id contains the search text."""
        found = await ranker_client.users(search, limit)
        return UsersResponse(
            users=[UserInfo(user_id=user, interactions=count) for user, count in found]
        )

    @app.get(
        "/items/{item_id:path}",
        tags=["look up"],
        responses={404: {"description": "No such item."}},
    )
    async def item(item_id: Id) -> Item:
        """Return an item."""
        return await ranker_client.item(item_id)

    @app.get("/items", tags=["look up"])
    async def items(search: Search = "", limit: Limit = 20) -> ItemsResponse:
        """Return items whose title contains the search text."""
        return ItemsResponse(items=await ranker_client.items(search, limit))
