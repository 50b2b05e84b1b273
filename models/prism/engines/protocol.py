"""The Engine protocol: anything that writes one text for each of a batch of Facts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from catalog.facts import Facts


class ModelError(ValueError):
    """A model that cannot be used, and why."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a library says of a damaged file or folder into a ModelError that names it."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # tokenizers raises nothing more special
        raise ModelError(f"{path} is missing or damaged: {error}") from error


class Engine(Protocol):
    """Writes explanations. What it writes is checked before anybody sees it."""

    @property
    def name(self) -> str:
        """What it is called in answers, logs and metrics."""
        ...

    @property
    def version(self) -> str:
        """Changes with the weights, the tokenizer and the type; the code is part of cache keys."""
        ...

    def write(self, batch: Sequence[Facts]) -> list[str]:
        """Return one text per Facts, in order."""
        ...
