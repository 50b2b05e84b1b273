"""From Facts to a model's tokens and back: its tokenizer, its form and its lengths in one place."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tokenizers import Encoding, Tokenizer

from catalog.facts import Facts
from models.prism.folder import PrismConfig, load_config, load_tokenizer
from models.prism.forms.choice import form_named


class Prompting:
    """How one model reads Facts, and how what it writes becomes a text.

    Parameters
    ----------
    tokenizer : of the model
    config : form and lengths
    """

    def __init__(self, tokenizer: Tokenizer, config: PrismConfig) -> None:
        self.tokenizer, self.config = tokenizer, config
        self.form = form_named(config.form)

    @classmethod
    def of(cls, folder: Path) -> "Prompting":
        """Return that of a model's folder. Raises ModelError."""
        return cls(load_tokenizer(folder), load_config(folder))

    def prompts(self, batch: Sequence[Facts]) -> list[Encoding]:
        """Return the prompt of each of the Facts in tokens, at most `max_prompt` of them.

        Where the whole prompt is too long, details are left out by the form's rule; where even
        what is left is, its end is cut off.
        """
        whole = [next(self.form.prompts(facts)) for facts in batch]
        encoded = self.tokenizer.encode_batch(whole)
        return [
            one if len(one) <= self.config.max_prompt else self._bounded(facts)
            for one, facts in zip(encoded, batch, strict=True)
        ]

    def _bounded(self, facts: Facts) -> Encoding:
        for prompt in self.form.prompts(facts):
            encoded = self.tokenizer.encode(prompt)
            if len(encoded) <= self.config.max_prompt:
                return encoded
        return self._cutting.encode(prompt)

    @cached_property
    def _cutting(self) -> Tokenizer:
        """The tokenizer that cuts long texts, but not the token that ends them."""
        tokenizer = Tokenizer.from_str(self.tokenizer.to_str())
        tokenizer.encode_special_tokens = True
        tokenizer.enable_truncation(self.config.max_prompt)
        return tokenizer

    def texts(self, written: Sequence[Sequence[int]], batch: Sequence[Facts]) -> list[str]:
        """Return what a model wrote of each of the Facts, token by token, as texts."""
        decoded = self.tokenizer.decode_batch([list(tokens) for tokens in written])
        return [self.form.text(text, facts) for text, facts in zip(decoded, batch, strict=True)]
