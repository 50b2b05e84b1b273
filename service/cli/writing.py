"""Fills an order of texts and shows how it goes: rate, time left, tokens, money."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from time import monotonic
from types import FrameType

from models.oracle.budget import about, at_most
from models.oracle.protocol import Answer, BudgetSpentError, Oracle, Outcome, Tokens
from models.oracle.write import Order, Writing, left
from service.cli.console import console, progress_bar

_TOLD_EVERY_S = 60.0
"""Where there is no terminal for a progress bar."""


@dataclass(slots=True)
class _Meter:
    """What has come of a run so far."""

    oracle: Oracle
    answers: int = 0
    failures: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    started: float = field(default_factory=monotonic)

    def count(self, outcome: Outcome) -> None:
        if isinstance(outcome, Answer):
            self.answers += 1
            self.tokens += outcome.tokens
        else:
            self.failures += 1
        self.tokens += outcome.lost

    def __str__(self) -> str:
        rate = self.answers / max(monotonic() - self.started, 1e-3)
        told = [f"{self.answers:,} texts", f"{rate:.3g}/s"]
        if self.failures:
            told.append(f"{self.failures:,} failures")
        if self.tokens != Tokens():
            told.append(f"{self.tokens.prompt:,} + {self.tokens.text:,} tokens")
        budget = self.oracle.budget
        if budget and (cost := budget.prices.of(budget.used)):
            told.append(f"cost {cost:,.4g} in all runs")
        return ", ".join(told)


def fill(order: Order, oracle: Oracle) -> bool:
    """Write what is missing; return whether nothing was left undone. Raises OracleError."""
    with _stopping() as stop, Writing(order, oracle) as writing:
        meter, told, spent = _Meter(oracle), monotonic(), ""
        console.print(f"{writing.done:,} texts are there, {writing.left:,} are left", markup=False)
        with progress_bar(remaining=True) as progress:
            total = writing.done + writing.left
            task = progress.add_task("writing", total=total, completed=writing.done)
            try:
                for outcome in writing.run(stop):
                    meter.count(outcome)
                    progress.update(task, advance=1, description=f"{meter}")
                    if not console.is_terminal and monotonic() - told > _TOLD_EVERY_S:
                        console.print(f"{meter}", markup=False)
                        told = monotonic()
            except BudgetSpentError as error:
                spent = f"{error}; give it more and run this again"
            finally:
                progress.stop()
                console.print(f"{order.texts}: {meter}", markup=False)
        missing = writing.left - meter.answers - meter.failures
        if missing:
            why = spent or ("stopped: run this again" if stop.is_set() else "the Oracle has none")
            console.print(f"{missing:,} texts are missing: {why}", markup=False)
        if meter.failures:
            console.print(f"{meter.failures:,} failed: run this again", markup=False)
        return not (meter.failures or spent or stop.is_set())


def fill_on_cluster(order: Order, oracle: Oracle, parts: int) -> bool:
    """Write what is missing on a Ray cluster; return whether nothing was left undone."""
    from models.oracle.cluster import write_on_cluster  # noqa: PLC0415 - ray, where it is asked for

    errors: set[str] = set()
    with progress_bar(remaining=True) as progress:
        task = progress.add_task("writing parts", total=parts)
        for done in write_on_cluster(order, oracle, parts):
            errors |= {done.error} - {""}
            progress.advance(task)
    for error in sorted(errors):
        console.print(f"a part ended early: {error}", markup=False)
    # Counted anew: what a node wrote before it died is in nobody's sum.
    remaining = sum(1 for _ in left(order, oracle))
    console.print(f"{order.texts}: {remaining:,} texts are left", markup=False)
    return not (remaining or errors)


def tell_cost(order: Order, oracle: Oracle, longest_text: int) -> None:
    """Say what an order would use and cost, and ask nothing."""
    count, likely, most = 0, Tokens(), Tokens()
    for request in left(order, oracle):
        count += 1
        if request.prompt:
            likely += about(request.prompt, longest_text)
            most += at_most(request.prompt, longest_text)
    console.print(f"{count:,} texts are left", markup=False)
    if most == Tokens():
        return
    console.print(
        f"about {likely.prompt:,} prompt tokens, never more than {most.prompt:,}; "
        f"at most {most.text:,} written ones",
        markup=False,
    )
    if oracle.budget and (cost := oracle.budget.prices.of(likely)):
        limit = oracle.budget.prices.of(most)
        console.print(f"about {cost:,.4g}, without retries never more than {limit:,.4g}")


@contextmanager
def _stopping() -> Iterator[Event]:
    """Yield an event that Ctrl-C or SIGTERM sets; the second one ends the process at once."""
    stop = Event()

    def told(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()
        console.print("ending after what is in flight; again: at once", markup=False)

    before = {number: signal.signal(number, told) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
