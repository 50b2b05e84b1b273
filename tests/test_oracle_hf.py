"""The Oracle on transformers: models of FLAN-T5's and Llama's true architecture, made tiny here."""

import functools
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from oracle_fixtures import facts_folder, rows_of, some_facts
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import UnigramTrainer
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from catalog.facts import Facts
from models.oracle.examples import EXAMPLES
from models.oracle.hf import HfOracle
from models.oracle.loading import load
from models.oracle.prompts import as_one_text, facts_in_words, oracle_prompts
from models.oracle.protocol import Answer, Failure, OracleError, Outcome, Request

Prism = Callable[..., tuple[str, str]]
CHAT = (
    "{% for m in messages %}{% if m.role == 'system' and refuses_system %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of T5's kind: unigrams with a mark for spaces, </s> at the end."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    texts = ["<system> <user> <assistant> </s>"] * 50
    texts += [as_one_text(prompt) for facts in some_facts(12) for prompt in oracle_prompts(facts)]
    special = ["<pad>", "</s>", "<unk>"]
    made.train_from_iterator(
        texts, UnigramTrainer(vocab_size=600, special_tokens=special, unk_token="<unk>")
    )
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        model_max_length=512,
    )  # fmt: skip


@pytest.fixture(scope="module")
def flan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of FLAN-T5's layout: gated GELU, own output layer, 512 tokens."""
    folder, words = tmp_path_factory.mktemp("flan"), tokenizer()
    torch.manual_seed(1)
    config = T5Config(
        vocab_size=len(words), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu", tie_word_embeddings=False, n_positions=512,
        decoder_start_token_id=0, initializer_factor=4.0,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of Llama's layout, with a chat template and 1,024 positions."""
    folder, words = tmp_path_factory.mktemp("llama"), tokenizer()
    words.chat_template = CHAT
    words.model_max_length = 100_000_000
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=1024,
        pad_token_id=0, bos_token_id=None, eos_token_id=1, initializer_range=0.5,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def written(oracle: HfOracle, facts: list[Facts]) -> list[Outcome]:
    """Return what comes of each of the Facts, in their order."""
    requests = [Request(one) for one in facts]
    found = {id(request): outcome for request, outcome in oracle.write(requests, Event())}
    return [found[id(request)] for request in requests]


@pytest.fixture
def exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in float64: of untrained weights two words may be as likely but for the rounding."""
    monkeypatch.setattr("models.oracle.loading._dtype", lambda gpus: torch.float64)


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("folder", ["flan", "llama"])
def test_a_text_is_the_same_in_a_batch_and_alone(
    folder: str, request: pytest.FixtureRequest
) -> None:
    model, facts = str(request.getfixturevalue(folder)), some_facts(6)
    batch = written(HfOracle(model, longest_text=12, batch_tokens=100_000), facts)
    alone = written(HfOracle(model, longest_text=12, batch_tokens=1), facts)
    assert batch == alone
    assert len({outcome.text for outcome in batch if isinstance(outcome, Answer)}) > 3


def test_what_all_prompts_begin_with_is_read_once(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, forward = [], LlamaForCausalLM.forward

    @functools.wraps(forward)  # what it takes is read from its signature
    def counting(model: LlamaForCausalLM, *arguments: Any, **options: Any) -> Any:
        read.append(options["input_ids"].numel())
        return forward(model, *arguments, **options)

    facts, oracle = some_facts(6), HfOracle(str(llama), longest_text=4)
    alone = [written(HfOracle(str(llama), longest_text=4), [one])[0] for one in facts]
    monkeypatch.setattr(LlamaForCausalLM, "forward", counting)
    assert written(oracle, facts) == alone
    instructions, first, *_ = read
    prompts = [outcome.tokens.prompt for outcome in alone if isinstance(outcome, Answer)]
    assert instructions + first < sum(prompts)
    read.clear()
    assert written(oracle, facts) == alone
    assert read[0] == first  # and not again with the next batch


@pytest.mark.parametrize("folder", ["flan", "llama"])
def test_a_text_is_what_the_model_itself_generates_from_the_prompt(
    folder: str, request: pytest.FixtureRequest
) -> None:
    loaded = load(str(request.getfixturevalue(folder)), 12)
    [facts] = some_facts(1)
    prompt = loaded.tokens(next(oracle_prompts(facts)))
    tokens = loaded.generation.model.generate(
        torch.tensor([prompt]), max_new_tokens=12, do_sample=False
    )[0]
    start = 1 if loaded.seq2seq else len(prompt)
    text = loaded.tokenizer.decode(tokens[start:], skip_special_tokens=True)
    [answer] = written(HfOracle(str(request.getfixturevalue(folder)), longest_text=12), [facts])
    assert isinstance(answer, Answer)
    assert answer.text == text.strip()
    assert (answer.tokens.prompt, answer.tokens.text) == (len(prompt), len(tokens) - start)
    assert answer.finish == ("stop" if tokens[-1] == 1 else "length")


def test_a_chat_model_reads_its_template_and_a_seq2seq_model_one_text(
    flan: Path, llama: Path
) -> None:
    prompt = next(oracle_prompts(some_facts(1)[0], examples=1))
    chat, text = load(str(llama), 12), load(str(flan), 12)
    assert chat.tokenizer.decode(chat.tokens(prompt)).count("<user>") == 2
    assert chat.tokenizer.decode(chat.tokens(prompt)).endswith("<assistant>")
    assert text.tokens(prompt)[-1] == text.tokenizer.eos_token_id
    assert (chat.seq2seq, text.seq2seq) == (False, True)
    assert (chat.reads, text.reads) == (1024 - 12, 512)


def test_a_template_without_a_systems_turn_gets_it_in_the_first_one(llama: Path) -> None:
    loaded = load(str(llama), 12)
    loaded.tokenizer.chat_template = CHAT.replace("refuses_system", "true")
    told = loaded.tokenizer.decode(loaded.tokens(next(oracle_prompts(some_facts(1)[0]))))
    assert "<system>" not in told
    assert told.count("<user>") == 1
    assert "Rules" in told


class TestLongPrompts:
    def described(self) -> Facts:
        facts, _ = EXAMPLES[0]
        long = facts.item.model_copy(update={"description": "tally of the docks " * 30})
        return facts.model_copy(update={"item": long})

    def test_it_is_shortened_until_the_model_can_read_it(self, flan: Path) -> None:
        loaded, facts = load(str(flan), 12), self.described()
        lengths = [len(loaded.tokens(prompt)) for prompt in oracle_prompts(facts)]
        assert lengths == sorted(lengths, reverse=True)
        assert lengths[0] > loaded.reads
        [answer] = written(HfOracle(str(flan), longest_text=12), [facts])
        assert isinstance(answer, Answer)
        assert answer.tokens.prompt == max(n for n in lengths if n <= loaded.reads)

    def test_one_that_stays_too_long_is_a_failure_of_its_own(
        self, flan: Path, tmp_path: Path
    ) -> None:
        loaded = load(str(flan), 12)
        loaded.tokenizer.model_max_length = 120
        loaded.generation.model.save_pretrained(tmp_path)
        loaded.tokenizer.save_pretrained(tmp_path)
        outcomes = written(HfOracle(str(tmp_path), longest_text=12), some_facts(3))
        for outcome in outcomes:
            assert isinstance(outcome, Failure)
            assert "the model reads 120" in outcome.error


@pytest.mark.usefixtures("exactly")
def test_a_batch_that_does_not_fit_is_halved_and_so_are_those_after_it(
    flan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, longest, memory = [], 8, 2000
    generate = T5ForConditionalGeneration.generate

    def in_little_memory(model: object, **options: torch.Tensor) -> torch.Tensor:
        count, width = options["input_ids"].shape
        sizes.append(count * (width + longest))
        if sizes[-1] > memory:
            raise torch.OutOfMemoryError("as a GPU says it")
        written: torch.Tensor = generate(model, **options)
        return written

    facts = some_facts(10)
    roomy = written(HfOracle(str(flan), longest_text=8, batch_tokens=8000), facts)
    monkeypatch.setattr(T5ForConditionalGeneration, "generate", in_little_memory)
    assert written(HfOracle(str(flan), longest_text=8, batch_tokens=8000), facts) == roomy
    failed = [size for size in sizes if size > memory]
    assert len(failed) > 1
    assert sizes[: len(failed)] == failed  # never again after the first batch


def test_samples_differ_and_the_same_seed_writes_them_again(flan: Path, tmp_path: Path) -> None:
    facts = some_facts(1) * 4

    def sampled(seed: int) -> list[Outcome]:
        # Long and hot enough that no two are equal by chance: tokenizers differ from run to run.
        oracle = HfOracle(str(flan), temperature=100.0, seed=seed, longest_text=24)
        return written(oracle, facts)

    assert sampled(1) == sampled(1) != sampled(2)
    assert len({str(outcome) for outcome in sampled(1)}) == 4


def test_stopped_it_ends_after_the_batch_in_hand(flan: Path) -> None:
    stop, outcomes = Event(), []
    oracle = HfOracle(str(flan), longest_text=8, batch_tokens=1)
    for _, outcome in oracle.write([Request(one) for one in some_facts(9)], stop):
        outcomes.append(outcome)
        stop.set()
    assert len(outcomes) == 1


@pytest.mark.parametrize(
    ("model", "message"),
    [("no/such/model", "cannot load 'no/such/model': "), ("{folder}", "cannot load ")],
)
def test_a_model_that_is_not_there_is_named(
    model: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OracleError, match=message):
        load(model.format(folder=tmp_path), 12)


def test_what_int8_needs_is_said(flan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.oracle.loading.find_spec", lambda name: None)
    with pytest.raises(OracleError, match="pip install bitsandbytes"):
        load(str(flan), 12, int8=True)


def test_the_command_writes_with_a_folder(flan: Path, prism: Prism, tmp_path: Path) -> None:
    facts = facts_folder(tmp_path, 5)
    options = ("--oracle", "hf", "--model", str(flan), "--longest", "8", "--prompt")
    prism("write", facts, tmp_path / "texts", *options, "faithful")
    prism("write", facts, tmp_path / "texts", *options, "unconstrained")
    rows = rows_of(tmp_path / "texts")
    assert len({row["prompt_sha256"] for row in rows}) == 10
    assert {row["tokens"]["text"] for row in rows} <= set(range(1, 9))


@pytest.mark.long
def test_smollm2_is_had_with_pip_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [answer] = written(HfOracle("smollm2", examples=3, longest_text=40), [EXAMPLES[2][0]])
    assert isinstance(answer, Answer)
    assert len(answer.text.split()) > 4  # which words, differs from one processor to another


def test_facts_in_words_hold_all_that_the_facts_say() -> None:
    for facts in [*some_facts(20), *(facts for facts, _ in EXAMPLES)]:
        told = facts_in_words(facts)
        for item in (facts.item, *facts.evidence):
            assert f"“{item.title}”" in told
            for word in (*item.categories, *item.attributes.values(), item.description or ""):
                assert str(word) in told
        assert ("you may say “because”" in told) == (
            facts.evidence_kind in ("contribution", "similar")
        )
