"""The grounded Oracle: the grammar, whose texts are always true and cost nothing."""

from collections.abc import Iterable, Iterator, Sequence
from threading import Event

from catalog.facts import Facts
from models.language.grounded import GRAMMAR_VERSION, explain, style_of
from models.oracle.protocol import Answer, Asked, Outcome, Prompt


class GroundedOracle:
    """Writes by grammar, each sample in another style; see `Oracle`."""

    name = "grounded"
    model = f"grammar-{GRAMMAR_VERSION}"
    budget = None
    parameters: dict[str, object] = {}  # noqa: RUF012 - a property in the protocol

    def prompts(self, facts: Facts) -> Sequence[Prompt]:
        """Return none: the grammar reads Facts."""
        return ()

    def write(self, requests: Iterable[Asked], stop: Event) -> Iterator[tuple[Asked, Outcome]]:
        """Yield a text for each of the requests."""
        for request in requests:
            if stop.is_set():
                return
            style = style_of(request.facts) + request.sample
            yield request, Answer(explain(request.facts, style))
