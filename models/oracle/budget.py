"""What an Oracle may use: tokens and money, never more than was granted.

    budget = Budget(money=5.0, prices=Prices(prompt=0.15, text=0.60))  # dollars a million tokens
    budget.reserve(most)        # before a request: True where its worst case still fits
    budget.settle(most, used)   # after it: what it did not use is free again

Requests in flight count with their worst case, and one that came to nothing stays counted so, for
nobody tells what it used. So a budget may end a little early, and cannot be exceeded as long as a
server keeps to the longest text that it is told.
"""

from dataclasses import dataclass, field

from models.oracle.protocol import Prompt, Tokens

_PROMPT_OVERHEAD, _TURN_OVERHEAD = 64, 16
"""Tokens that a chat template may add, to the whole and to every turn."""
_BYTES_A_TOKEN = 4
"""Of English, about."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in any currency."""

    prompt: float = 0.0
    text: float = 0.0

    def of(self, tokens: Tokens) -> float:
        """Return what tokens cost."""
        return (tokens.prompt * self.prompt + tokens.text * self.text) / 1e6


@dataclass(slots=True)
class Budget:
    """Limits, and what is used and reserved of them.

    Attributes
    ----------
    tokens, money : limits, None without one
    prices : of tokens
    used : tokens, those of earlier runs included
    reserved : tokens of requests in flight, at their most
    """

    tokens: int | None = None
    money: float | None = None
    prices: Prices = field(default_factory=Prices)
    used: Tokens = field(default_factory=Tokens)
    reserved: Tokens = field(default_factory=Tokens)

    def reserve(self, most: Tokens) -> bool:
        """Reserve what a request may use at its most; return False where that does not fit."""
        then = self.used + self.reserved + most
        if self.tokens is not None and then.prompt + then.text > self.tokens:
            return False
        if self.money is not None and self.prices.of(then) > self.money:
            return False
        self.reserved += most
        return True

    def settle(self, most: Tokens, used: Tokens) -> None:
        """Replace a reservation by what was used."""
        self.reserved -= most
        self.used += used


def at_most(prompt: Prompt, longest_text: int) -> Tokens:
    """Return the most tokens that a request can use: no tokenizer makes two of one byte."""
    size = sum(_size(turn.content) + _TURN_OVERHEAD for turn in prompt)
    return Tokens(size + _PROMPT_OVERHEAD, longest_text)


def about(prompt: Prompt, longest_text: int) -> Tokens:
    """Return about how many tokens a request uses, with the longest text."""
    return Tokens(sum(_size(turn.content) for turn in prompt) // _BYTES_A_TOKEN, longest_text)


def _size(text: str) -> int:
    return len(text.encode())
