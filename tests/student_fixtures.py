"""A student small enough to be made in a test: real labels, real training, a second or two."""

import json
import random
from functools import cache
from itertools import islice
from pathlib import Path

import torch
from service_fixtures import fitted
from transformers import BartConfig, BartForConditionalGeneration, BartTokenizer

from catalog.dataset import Dataset
from catalog.facts import Facts
from catalog.facts_file import Sample, write_facts
from models.distillation.label_grammar import label_with_grammar
from models.distillation.student import SPECIAL, Layers, new_small, train_tokenizer
from models.distillation.training.config import TrainConfig
from models.prism.forms.protocol import FormName
from ranker.sampling import sample_facts

torch.set_num_threads(1)  # tests share their cores

TINY = TrainConfig(vocabulary=1200, steps=60, batch=16, warmup=10, checkpoint_every=20)
"""Enough that it writes words; not enough that they are true."""


FOR_SUMMARIES = {
    "num_beams": 4,
    "min_length": 56,
    "no_repeat_ngram_size": 1,
    "forced_bos_token_id": 5,
    "forced_eos_token_id": 5,
}
"""Settings that BARTs of the hub have, with values that would change most texts."""


@cache
def _rows(demo: Dataset) -> tuple[Sample, ...]:
    """Return a Facts file of the demo, sampled once for all tests."""
    return tuple(sample_facts(demo, fitted(demo), parts=1, k=5))


def demo_samples(demo: Dataset, count: int) -> list[Sample]:
    """Return rows of a Facts file of the demo, training and test rows mixed."""
    return random.Random(2).sample(_rows(demo), count)


def make_labels(
    folder: Path, samples: list[Sample], shard_rows: int = 10_000, form: FormName = "references"
) -> Path:
    """Label samples as `prism label` does; return the labels' folder."""
    write_facts(folder / "facts", samples, shard_rows)
    list(label_with_grammar(folder / "facts", folder / "labels", form=form))
    return folder / "labels"


def demo_facts(demo: Dataset, count: int) -> list[Facts]:
    """Return Facts of held-out users."""
    return [row.facts for row in islice((r for r in _rows(demo) if r.split == "test"), count)]


def narrow(vocabulary: int, layers: Layers) -> BartForConditionalGeneration:
    """Return an untrained student as `new_small` makes it, but for a quarter of its width.

    A step of training takes it a twentieth of the time, most of which goes to products of matrices.
    """
    with torch.device("meta"):  # of the other only the settings are needed
        config: BartConfig = new_small(vocabulary, layers).config
    config.d_model //= 4
    config.encoder_ffn_dim //= 4
    config.decoder_ffn_dim //= 4
    return BartForConditionalGeneration(config)


def bart_folder(folder: Path) -> Path:
    """Make a folder with the files of facebook/bart-base, of a narrow model."""
    texts = ["You loved “Heat”, so we suggest “Fargo”, a 1996 crime drama."] * 3
    bpe = train_tokenizer(texts, 400)
    made = json.loads(bpe.to_str())["model"]
    tokenizer = BartTokenizer(
        vocab=made["vocab"], merges=[tuple(merge) for merge in made["merges"]]
    )
    tokenizer.save_pretrained(folder)
    assert [tokenizer.convert_ids_to_tokens(n) for n in range(5)] == SPECIAL
    model = narrow(len(tokenizer), "4+4")
    model.generation_config.update(**FOR_SUMMARIES)
    model.save_pretrained(folder)
    return folder
