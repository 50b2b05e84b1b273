"""A second opinion on texts: a real, tiny model of language inference, made here."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from catalog.facts import Facts
from models.distillation.judge import Judge, premise

FACTS = Facts.model_validate(
    {
        "noun": {"one": "film", "many": "films"},
        "item": {
            "id": "1", "title": "Heat", "categories": ["Crime"], "year": 1995,
            "attributes": {"director": "Michael Mann"}, "description": "A detective hunts a thief.",
        },
        "evidence": [{"id": "2", "title": "Ronin", "liking": "loved"}],
        "evidence_kind": "contribution",
        "popularity": "favourite",
    }
)  # fmt: skip
TRUE = "Since you loved “Ronin”, you might enjoy “Heat”, a 1995 crime film."
BEYOND = "“Heat” is a crime film that keeps you on the edge of your seat."


def make_judge(folder: Path, labels: list[str], favourite: int | None) -> Path:
    """Write a tiny model that reads premise and hypothesis; it may prefer one of its labels."""
    torch.manual_seed(1)
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordLevelTrainer(special_tokens=special)
    tokenizer.train_from_iterator([premise(FACTS), TRUE, BEYOND], trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    ).save_pretrained(folder)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(), initializer_range=1.0,
            hidden_size=16, num_hidden_layers=1,
            num_attention_heads=2, intermediate_size=16, max_position_embeddings=64,
            id2label=dict(enumerate(labels)), label2id={label: n for n, label in enumerate(labels)},
        )
    )  # fmt: skip
    if favourite is not None:
        torch.nn.init.constant_(model.classifier.bias[favourite : favourite + 1], 30.0)
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("label", "outcome"),
    [("ENTAILMENT", "supported"), ("neutral", "unverifiable"), ("contradiction", "contradicted")],
)
def test_what_a_model_says_is_a_verdict_on_the_whole_text(
    tmp_path: Path, label: str, outcome: str
) -> None:
    labels = ["contradiction", "neutral", "ENTAILMENT"]
    judge = Judge(str(make_judge(tmp_path, labels, labels.index(label))))
    [verdict] = judge.verdicts([(TRUE, FACTS)])
    [claim] = verdict.claims
    assert (verdict.outcome, claim.start, claim.end) == (outcome, 0, len(TRUE))
    assert claim.why.startswith(f"{label}, ")


def test_it_reads_the_text_and_the_facts_alone_or_in_a_batch(tmp_path: Path) -> None:
    judge = Judge(str(make_judge(tmp_path, ["entailment", "not_entailment"], None)))
    other = FACTS.model_copy(update={"evidence": (), "evidence_kind": "none"})
    rows = [(TRUE, FACTS), (BEYOND, FACTS), (TRUE, other), (TRUE * 30, FACTS)]
    together = [verdict.claims[0].why for verdict in judge.verdicts(rows)]
    assert together == [judge.verdicts([row])[0].claims[0].why for row in rows]
    assert len(set(together)) > 1


def test_a_premise_says_all_that_the_facts_hold() -> None:
    assert premise(FACTS) == (
        "The recommended film is “Heat”. “Heat” belongs to Crime. “Heat” is from 1995. "
        "The director of “Heat” is Michael Mann. About “Heat”: A detective hunts a thief. "
        "“Heat” is one of the most liked by other users. You loved the film “Ronin”. "
        "“Heat” is recommended because you liked “Ronin”."
    )


def test_a_model_without_a_label_for_entailment_is_refused(tmp_path: Path) -> None:
    folder = make_judge(tmp_path, ["negative", "positive"], None)
    with pytest.raises(ValueError, match="no label for entailment, but negative, positive"):
        Judge(str(folder))


def test_the_command_reports_how_often_it_agrees_and_lets_it_decide_nothing(
    prism: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    folder = make_judge(tmp_path / "judge", ["entailment", "neutral"], 0)
    texts = tmp_path / "texts.jsonl"
    facts = FACTS.model_dump(mode="json", exclude_defaults=True)
    rows = [{"text": text, "facts": facts} for text in (TRUE, BEYOND)]
    texts.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    told, summary = prism("check", str(texts), "--judge", str(folder), status=1)
    assert [json.loads(line)["passed"] for line in told.splitlines()] == [True, False]
    assert "agrees on 1 of 2: both let pass 1, only the check 0, only the judge 1, neither 0" in (
        " ".join(summary.split())
    )


def test_a_judge_that_is_none_is_named(
    prism: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text("", "utf-8")
    _, error = prism("check", str(texts), "--judge", str(tmp_path), status=2)
    assert "--judge" in error
