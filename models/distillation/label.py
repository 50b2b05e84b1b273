"""Labelling: an Oracle writes a text for each of the Facts, and only faithful ones are kept."""

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
from catalog.files import write_whole
from models.distillation.invent import invented, varied
from models.faithfulness import CHECK_VERSION, Policy, check
from models.prism.engines.protocol import Engine
from models.prism.folder import CONFIG, PrismConfig
from models.prism.forms.choice import form_named
from models.prism.forms.protocol import PROMPT_VERSION, FormName

SCHEMA = pa.schema([("prompt", pa.string()), ("text", pa.string()), ("facts", pa.string())])
LABELS_VERSION = "1"
"""Raised whenever other Facts are made up of those given, or other labels kept."""
_BATCH = 256
_MADE_FROM, _REJECTED = b"made from", b"rejected"


@dataclass(frozen=True, slots=True)
class Labelled:
    """How many texts of a shard were kept, and how many failed the check."""

    shard: str
    kept: int
    rejected: int


def label(
    facts: Path,
    out: Path,
    oracle: Engine,
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
    oracle : whatever writes texts
    policy : what a label must pass
    form : how a Prism will read the Facts, and write
    made_up : rows of made-up worlds per real row
    seed : of variations and made-up worlds
    """
    out.mkdir(parents=True, exist_ok=True)
    versions = f"{LABELS_VERSION} {PROMPT_VERSION} {CHECK_VERSION}"
    way = f"{oracle.name}@{oracle.version} {policy} {form} {made_up} {seed} {versions}"
    config = PrismConfig(form=form, policy=policy, max_prompt=256 if form == "references" else 512)
    write_whole(out / CONFIG, config.model_dump_json(indent=2) + "\n")
    made = form_named(form)
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
            for row, text in zip(batch, oracle.write(batch), strict=True):
                said = made.target(text, row)
                if said is not None and check(text, row, policy).passed:
                    prompt = next(made.prompts(row))
                    kept.append({"prompt": prompt, "text": said, "facts": row.model_dump_json()})
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
