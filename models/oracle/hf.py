"""The Oracle on transformers: any seq2seq or causal model, such as FLAN-T5-XXL, in batches.

Requests are taken a few hundred at a time, sorted by the length of their prompts, and cut into
batches of so many tokens, padding and texts included. A batch that does not fit into memory is
halved, and so are those after it.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from threading import Event
from typing import TYPE_CHECKING, Any

from catalog.facts import Facts
from catalog.facts_file import batched
from models.oracle.prompts import PromptKind, oracle_prompts, told_of_writing
from models.oracle.protocol import Answer, Asked, Failure, Outcome, Prompt, Tokens

if TYPE_CHECKING:
    from models.oracle.loading import Loaded

FLAN_T5_XXL = "google/flan-t5-xxl"
_TAKEN = 256
"""Requests that are sorted together."""
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory")
"""What torch says in a plain RuntimeError where a CPU's memory is full."""


class HfOracle:
    """Writes with a model of transformers'; see `Oracle`.

    Parameters
    ----------
    model : see `models.oracle.loading`
    kind, examples : of the prompt
    temperature : 0 is greedy
    seed : of sampling; a text depends on its batch, too
    longest_text : in tokens
    batch_tokens : of a batch, prompts and texts
    int8 : weights in 8 bits
    """

    name = "hf"
    budget = None

    def __init__(
        self,
        model: str = FLAN_T5_XXL,
        *,
        kind: PromptKind = "faithful",
        examples: int = 0,
        temperature: float = 0.0,
        seed: int = 0,
        longest_text: int = 128,
        batch_tokens: int = 8192,
        int8: bool = False,
    ) -> None:
        self.model = model
        self._kind, self._examples = kind, examples
        self._temperature, self._seed = temperature, seed
        self._longest_text, self._batch_tokens, self._int8 = longest_text, batch_tokens, int8
        self._loaded: Loaded | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """All besides model and prompt that decides what it writes."""
        told = told_of_writing(
            self._kind, self._examples, self._temperature, self._seed, self._longest_text
        )
        return {**told, "int8": self._int8}

    def prompts(self, facts: Facts) -> Iterator[Prompt]:
        """Yield the whole prompt, then ever shorter ones."""
        return oracle_prompts(facts, self._kind, self._examples)

    def write(self, requests: Iterable[Asked], stop: Event) -> Iterator[tuple[Asked, Outcome]]:
        """Yield texts batch by batch; see `Oracle`."""
        from models.oracle.loading import load  # noqa: PLC0415 - torch, once it is needed

        if self._loaded is None:
            self._loaded = load(self.model, self._longest_text, int8=self._int8)
        loaded = self._loaded
        for taken in batched(requests, _TAKEN):
            fitting: list[tuple[list[int], Asked]] = []
            for request in taken:
                tokens = self._fitting(loaded, request.facts)
                if len(tokens) <= loaded.reads:
                    fitting.append((tokens, request))
                else:
                    yield request, _too_long(tokens, loaded)
            waiting = sorted(fitting, key=lambda row: -len(row[0]))
            while waiting and not stop.is_set():
                width = len(waiting[0][0]) + self._longest_text
                batch = waiting[: max(1, self._batch_tokens // width)]
                texts = self._texts(loaded, [tokens for tokens, _ in batch])
                if texts is None and len(batch) > 1:
                    self._batch_tokens = (len(batch) + 1) // 2 * width
                    continue
                waiting = waiting[len(batch) :]
                for number, (tokens, request) in enumerate(batch):
                    yield request, texts[number] if texts else _too_large(tokens)
            if stop.is_set():
                return

    def _fitting(self, loaded: "Loaded", facts: Facts) -> list[int]:
        """Return the longest prompt that the model can read, or else the shortest there is."""
        for prompt in self.prompts(facts):
            tokens = loaded.tokens(prompt)
            if len(tokens) <= loaded.reads:
                break
        return tokens

    def _texts(self, loaded: "Loaded", prompts: Sequence[list[int]]) -> list[Answer] | None:
        """Return what a batch brings, None where there is no memory for it."""
        try:
            return self._generated(loaded, prompts)
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
        # Here the exception is gone, and with it the tensors that its frames held.
        _empty_caches()
        return None

    def _generated(self, loaded: "Loaded", prompts: Sequence[list[int]]) -> list[Answer]:
        import torch  # noqa: PLC0415

        torch.manual_seed(self._seed + zlib.crc32(repr(prompts).encode()))
        written = loaded.generation.write(prompts, **self._decoding())
        return [
            self._answer(loaded, len(prompt), row)
            for prompt, row in zip(prompts, written, strict=True)
        ]

    def _decoding(self) -> dict[str, Any]:
        """Return how to write, whatever the model's own settings are."""
        sampling = {"do_sample": True, "temperature": self._temperature, "top_k": 0, "top_p": 1.0}
        return {
            "max_new_tokens": self._longest_text,
            "num_beams": 1,
            "min_length": 0,
            "no_repeat_ngram_size": 0,
            "repetition_penalty": 1.0,
            **(sampling if self._temperature else {"do_sample": False}),
        }

    def _answer(self, loaded: "Loaded", prompt_tokens: int, written: list[int]) -> Answer:
        ends = loaded.ends()
        length = next((n for n, token in enumerate(written) if token in ends), None)
        text = loaded.tokenizer.decode(written[:length], skip_special_tokens=True)
        return Answer(
            text.strip(),
            finish="length" if length is None else "stop",
            tokens=Tokens(prompt_tokens, len(written) if length is None else length + 1),
        )


def _too_long(tokens: Sequence[int], loaded: "Loaded") -> Failure:
    return Failure(f"the shortest prompt has {len(tokens)} tokens, the model reads {loaded.reads}")


def _too_large(tokens: Sequence[int]) -> Failure:
    return Failure(f"out of memory for a prompt of {len(tokens)} tokens")


def _out_of_memory(error: RuntimeError) -> bool:
    import torch  # noqa: PLC0415

    return isinstance(error, torch.OutOfMemoryError) or any(
        words in str(error) for words in _OUT_OF_MEMORY
    )


def _empty_caches() -> None:
    import torch  # noqa: PLC0415

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
