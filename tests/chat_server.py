"""A fast server of OpenAI's chat API that misbehaves at times; it counts what it did.

It writes by rule: of “Heat” it says "You may like “Heat”.", and ten tokens are a text. By turns, as
its seed draws them, it answers 429 with Retry-After, hangs, breaks off in an answer, or sends
broken JSON. GET /counts tells how often, and what it would bill.

    python tests/chat_server.py --port 0 --trouble 0.3
"""

import argparse
import asyncio
import json
import random
import re
from collections import Counter

from aiohttp import web

TROUBLES = ["limited", "hanging", "broken off", "no json", "overloaded"]
KEY = "sk-of-the-tests"
TEXT_TOKENS = 10


class Chat:
    """The server's rules and counts."""

    def __init__(self, trouble: float, seed: int) -> None:
        self.dice = random.Random(seed)
        self.trouble = trouble
        self.counts: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.flying = 0

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer a request for a chat completion, or fail to."""
        if request.headers.get("Authorization") not in (f"Bearer {KEY}", "Bearer none"):
            body = {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}
            return web.json_response(body, status=401)
        asked = await request.json()
        self.flying += 1
        self.counts["most in flight"] = max(self.counts["most in flight"], self.flying)
        try:
            await asyncio.sleep(self.dice.uniform(0.002, 0.02))
            trouble = self.dice.choice(TROUBLES) if self.dice.random() < self.trouble else "none"
            self.counts[trouble] += 1
            return await self._answer(request, asked, trouble)
        finally:
            self.flying -= 1

    async def _answer(
        self, request: web.Request, asked: dict[str, object], trouble: str
    ) -> web.StreamResponse:
        if trouble == "limited":
            return web.json_response({}, status=429, headers={"Retry-After": "0.05"})
        if trouble == "overloaded":
            return web.json_response({"error": {"message": "overloaded"}}, status=503)
        if trouble == "hanging":
            await asyncio.sleep(3600)
        turns = asked["messages"]
        assert isinstance(turns, list)
        title = re.findall("Recommended .*: “([^”]+)”", turns[-1]["content"])[0]
        words = sum(len(turn["content"].split()) for turn in turns)
        body = json.dumps(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": asked["model"],
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": f"You may like “{title}”. "},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {
                    "prompt_tokens": words,
                    "completion_tokens": TEXT_TOKENS,
                    "total_tokens": words + TEXT_TOKENS,
                },
            }
        ).encode()
        self.tokens["billed"] += words + TEXT_TOKENS  # whatever becomes of the answer
        if trouble == "no json":
            return web.Response(body=body[: len(body) // 2], content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.content_length = len(body)
        await response.prepare(request)
        if trouble == "broken off":
            await response.write(body[: len(body) // 2])
            assert request.transport
            request.transport.close()
            return response
        self.answered[json.dumps(turns)] += 1
        await response.write(body)
        return response

    async def tell(self, request: web.Request) -> web.Response:
        """Answer with the counts."""
        told = {**self.counts, **self.tokens, "answered": sorted(self.answered.values())}
        return web.json_response(told)


def main() -> None:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--trouble", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chat = Chat(options.trouble, options.seed)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat.complete)
    app.router.add_get("/counts", chat.tell)
    web.run_app(app, host="127.0.0.1", port=options.port, print=None, handler_cancellation=True)


if __name__ == "__main__":
    main()
