"""Labels of the grammar: it writes a text for each of the Facts, and of made-up worlds besides.

Its texts cost nothing, so that none is kept but in the labels.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.facts import Facts
from catalog.facts_file import count_rows, read_facts, shards, write_shard
from models.distillation.invent import invented, varied
from models.distillation.labels import SCHEMA, VERSIONS, config_of, label_row, write_config
from models.faithfulness import Policy, check, version_of
from models.language.grounded import GroundedEngine
from models.prism.forms.protocol import FormName

_BATCH = 256
_MADE_FROM, _REJECTED = b"made from", b"rejected"


@dataclass(frozen=True, slots=True)
class Labelled:
    """How many texts of a shard were kept, and how many failed the check."""

    shard: str
    kept: int
    rejected: int


def label_with_grammar(
    facts: Path,
    out: Path,
    *,
    policy: Policy = "strict",
    form: FormName = "references",
    made_up: float = 0.8,
    seed: int = 0,
) -> Iterator[Labelled]:
    """Label the training rows of a Facts folder; yield after every shard.

    Kept are texts that pass the check and that the form can say. `prism.json` beside the labels is
    what a Prism that learns them has learnt.

    A shard that was made from the same Facts in the same way is not done again, so a killed run
    goes on where it was.

    Parameters
    ----------
    facts, out : folders
    policy : what a label must pass
    form : how a Prism will read the Facts, and write
    made_up : rows of made-up worlds per real row
    seed : of variations and made-up worlds
    """
    out.mkdir(parents=True, exist_ok=True)
    grammar = GroundedEngine()
    versions = f"{VERSIONS} {version_of(policy)}"
    way = f"{grammar.name}@{grammar.version} {policy} {form} {made_up} {seed} {versions}"
    write_config(out, config_of(form, policy))
    targets = {out / shard.name.replace("facts", "labels"): shard for shard in shards(facts)}
    for stale in set(out.glob("labels-*.parquet")) - set(targets):
        stale.unlink()
    for target, shard in targets.items():
        made_from = f"{way} {hashlib.sha256(shard.read_bytes()).hexdigest()}".encode()
        before = _metadata(target)
        if before.get(_MADE_FROM) == made_from:
            yield Labelled(target.name, count_rows(target), int(before[_REJECTED]))
            continue
        rng = random.Random(f"{seed} {shard.name}")  # noqa: S311
        training = [sample.facts for sample in read_facts(shard, "train")]
        rows = list(_situations(training, made_up, rng))
        kept = []
        for begin in range(0, len(rows), _BATCH):
            batch = rows[begin : begin + _BATCH]
            for row, text in zip(batch, grammar.write(batch), strict=True):
                found = label_row(text, row, form)
                if found is not None and check(text, row, policy).passed:
                    kept.append(found)
        rejected = len(rows) - len(kept)
        schema = SCHEMA.with_metadata({_MADE_FROM: made_from, _REJECTED: str(rejected).encode()})
        write_shard(target, pa.Table.from_pylist(kept, schema))
        yield Labelled(target.name, len(kept), rejected)


def _metadata(shard: Path) -> dict[bytes, bytes]:
    """Return what a shard of labels says of itself; nothing where it is missing or damaged."""
    try:
        return pq.read_schema(shard).metadata or {}
    except (FileNotFoundError, pa.ArrowException):
        return {}


def _situations(training: list[Facts], made_up: float, rng: random.Random) -> Iterator[Facts]:
    titles = [facts.item.title for facts in training]
    words = sorted({word for title in titles for word in re.findall(r"[^\s“”]+", title)})
    for facts in training:
        yield varied(facts, rng)
        if rng.random() < made_up:
            yield invented(varied(facts, rng), words, rng)
