"""The stored Oracle: texts that somebody already has, found by the Facts they were written for.

    {"facts": {"item": {"id": "318", …}, …}, "text": "Since you loved “Ronin”, …"}
    {"digest": "9f86d081884c7d65…", "text": "You may like “Heat”."}

Each line names its Facts, or the digest of them (`Facts.digest`, 64 hexadecimal digits). Further
texts for the same Facts are further samples.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Annotated, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from catalog.facts import Facts
from models.oracle.protocol import Answer, Asked, OracleError, Outcome, Prompt


class _Line(BaseModel):
    text: str
    facts: Facts | None = None
    digest: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.facts is None and self.digest is None:
            raise ValueError("neither facts nor digest says what the text was written for")
        return self

    def key(self) -> bytes:
        return self.facts.digest() if self.facts else bytes.fromhex(self.digest or "")


class StoredOracle:
    """Hands over the texts of a JSONL file; see `Oracle`. Facts without a text are passed over."""

    name = "stored"
    budget = None

    def __init__(self, file: Path, model: str | None = None) -> None:
        self._file = file
        self.model = model or file.stem
        self.parameters: dict[str, object] = {}

    def prompts(self, facts: Facts) -> Sequence[Prompt]:
        """Return none: nobody is asked."""
        return ()

    def write(self, requests: Iterable[Asked], stop: Event) -> Iterator[tuple[Asked, Outcome]]:
        """Yield the stored text of each of the requests that has one."""
        texts = self._texts()
        for request in requests:
            if stop.is_set():
                return
            found = texts.get(request.facts.digest(), [])
            if request.sample < len(found):
                yield request, Answer(found[request.sample])

    def _texts(self) -> dict[bytes, list[str]]:
        texts: dict[bytes, list[str]] = {}
        try:
            with self._file.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        row = _parsed(line, f"{self._file}, line {number}")
                        texts.setdefault(row.key(), []).append(row.text.strip())
        except UnicodeDecodeError as error:
            raise OracleError(f"{self._file} is not UTF-8: {error}") from None
        return texts


def _parsed(line: str, where: str) -> _Line:
    try:
        return _Line.model_validate(json.loads(line))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "the line"
        raise OracleError(f"{where}: {field}: {first['msg']}") from None
    except ValueError as error:
        raise OracleError(f"{where} is no JSON: {error}") from None
