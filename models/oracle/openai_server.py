"""The Oracle behind an OpenAI-compatible server: OpenAI's own, vLLM, llama.cpp, Ollama and others.

Many requests are in flight at a time; each is tried again after what passes: a rate limit, a
timeout, a connection that breaks, an answer that is no JSON. When the server says how long to
wait, all wait. The key comes from the environment (OPENAI_API_KEY) and is in no message.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from catalog.facts import Facts
from models.oracle.budget import Budget, at_most
from models.oracle.prompts import PromptKind, oracle_prompts, told_of_writing
from models.oracle.protocol import (
    Answer,
    Asked,
    BudgetSpentError,
    Failure,
    OracleError,
    Outcome,
    Prompt,
    Request,
    Tokens,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

KEY, URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"
_ATTEMPTS = 8
_TICK_S = 0.1
"""How soon a wait notices that it shall end."""


class OpenAIOracle:
    """Asks a server; see `Oracle`.

    Parameters
    ----------
    model : as the server calls it
    url : of the API, such as http://127.0.0.1:8000/v1; by default OpenAI's
    budget : what may be used
    kind, examples : of the prompt
    temperature, seed : of sampling; the n-th sample is asked for with seed + n
    longest_text : in tokens
    concurrency : requests in flight
    timeout_s : for one answer
    """

    name = "openai"

    def __init__(
        self,
        model: str,
        *,
        url: str | None = None,
        budget: Budget | None = None,
        kind: PromptKind = "faithful",
        examples: int = 0,
        temperature: float = 0.0,
        seed: int = 0,
        longest_text: int = 128,
        concurrency: int = 16,
        timeout_s: float = 120.0,
    ) -> None:
        self.model, self.budget = model, budget or Budget()
        self._url, self._kind, self._examples = url, kind, examples
        self._temperature, self._seed, self._longest_text = temperature, seed, longest_text
        self._concurrency, self._timeout_s = concurrency, timeout_s
        self._not_before = 0.0

    @property
    def parameters(self) -> dict[str, object]:
        """All besides model and prompt that decides what it writes; the server is no part of it."""
        return told_of_writing(
            self._kind, self._examples, self._temperature, self._seed, self._longest_text
        )

    def prompts(self, facts: Facts) -> Iterator[Prompt]:
        """Yield the whole prompt, then ever shorter ones; only the whole one is sent."""
        return oracle_prompts(facts, self._kind, self._examples)

    def most(self, facts: Facts) -> Tokens:
        """Return the most tokens that a request for these Facts can use."""
        return at_most(next(self.prompts(facts)), self._longest_text)

    def write(self, requests: Iterable[Asked], stop: Event) -> Iterator[tuple[Asked, Outcome]]:
        """Yield answers as they come; see `Oracle`. Raises BudgetSpentError."""
        waiting, held = iter(requests), None
        running: dict[asyncio.Task[Outcome | None], Asked] = {}
        refusal: OracleError | None = None

        def halted() -> bool:
            return stop.is_set() or refusal is not None

        with asyncio.Runner() as runner:
            client = runner.run(self._client())
            while True:
                while len(running) < self._concurrency and not halted():
                    held = held or next(waiting, None)
                    if held is None or not self.budget.reserve(self.most(held.facts)):
                        break
                    asking = runner.get_loop().create_task(self._ask(client, held, halted))
                    running[asking], held = held, None
                if not running:
                    break
                for done in runner.run(_first(running.keys())):
                    request = running.pop(done)
                    try:
                        outcome = done.result()
                    except OracleError as error:
                        refusal = refusal or error
                        continue
                    if outcome is not None:
                        yield request, outcome
            runner.run(client.close())
        if refusal:
            raise refusal
        if held is not None and not stop.is_set():
            raise BudgetSpentError("the budget has no room for the next request")

    async def _client(self) -> "AsyncOpenAI":
        import httpx2  # noqa: PLC0415
        from openai import AsyncOpenAI  # noqa: PLC0415 - a second, where nobody asks a server

        url = self._url or os.environ.get(URL)
        key = os.environ.get(KEY)
        if not key and not url:
            raise OracleError(f"{KEY} is not set, and no --url names another server than OpenAI's")
        return AsyncOpenAI(
            api_key=key or "none",
            base_url=url,
            max_retries=0,
            timeout=httpx2.Timeout(self._timeout_s, pool=None),
        )

    async def _ask(
        self, client: "AsyncOpenAI", request: Request, halted: Callable[[], bool]
    ) -> Outcome | None:
        """Return what comes of a request, after as many attempts as it takes; None of none.

        The budget holds its reservation already.
        """
        from models.oracle.setbacks import backoff, setback_of  # noqa: PLC0415 - loads openai

        most, lost, why, wait_until = self.most(request.facts), Tokens(), "", 0.0
        for attempt in range(_ATTEMPTS):
            if attempt and not self.budget.reserve(most):
                return Failure(f"no budget for another attempt, after: {why}", lost)
            await self._wait(wait_until, halted)
            if halted():
                self.budget.settle(most, Tokens())
                return Failure(f"stopped, after: {why}", lost) if lost != Tokens() else None
            used = most
            try:
                answer = await self._attempt(client, request)
                used = answer.tokens + answer.lost
                return replace(answer, lost=lost + answer.lost)
            except Exception as error:
                setback = setback_of(error)
                used = most if setback.may_cost else Tokens()
            finally:
                self.budget.settle(most, used)
            lost, why = lost + used, _without_key(setback.reason)
            if not setback.again:
                return Failure(why, lost)
            now = asyncio.get_running_loop().time()
            wait_until = now + backoff(attempt)
            if setback.retry_after is not None:
                self._not_before = max(self._not_before, now + setback.retry_after)
        return Failure(f"{why} (after {_ATTEMPTS} attempts)", lost)

    async def _wait(self, until: float, halted: Callable[[], bool]) -> None:
        """Wait for a time of this request, and for the one that the server gave to all."""
        clock = asyncio.get_running_loop().time
        while (left := max(until, self._not_before) - clock()) > 0 and not halted():
            await asyncio.sleep(min(left, _TICK_S))

    async def _attempt(self, client: "AsyncOpenAI", request: Request) -> Answer:
        turns = next(self.prompts(request.facts))
        # OpenAI's own newer models know only one name of this limit, most other servers the other.
        ours = client.base_url.host.endswith("openai.com")
        options: dict[str, Any] = {
            "max_completion_tokens" if ours else "max_tokens": self._longest_text,
            "temperature": self._temperature,
            **({"seed": self._seed + request.sample} if self._temperature else {}),
        }
        response = await client.chat.completions.with_raw_response.create(
            model=self.model,
            messages=[{"role": turn.role, "content": turn.content} for turn in turns],
            **options,
        )
        completion = _Completion.model_validate_json(response.content)
        choice, usage = completion.choices[0], completion.usage
        return Answer(
            (choice.message.content or "").strip(),
            finish=choice.finish_reason or "unknown",
            tokens=Tokens(usage.prompt_tokens, usage.completion_tokens) if usage else Tokens(),
            lost=Tokens() if usage else self.most(request.facts),  # nobody tells what it used
        )


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int = 0


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    """What is needed of an answer; servers differ in the rest."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


async def _first(running: Set[asyncio.Task[Outcome | None]]) -> Set[asyncio.Task[Outcome | None]]:
    """Return those that are done, once one is."""
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    return done


def _without_key(message: str) -> str:
    key = os.environ.get(KEY)
    return message.replace(key, "…") if key else message
