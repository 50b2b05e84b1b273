"""Training: seeded, resumable to the bit, and its result a folder of BART's own layout."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from accelerate import debug_launcher
from accelerate.state import AcceleratorState
from numpy.typing import NDArray
from safetensors.numpy import load_file
from student_fixtures import (
    FOR_SUMMARIES,
    TINY,
    bart_folder,
    demo_facts,
    demo_samples,
    make_labels,
    narrow,
)
from tokenizers import Tokenizer
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, BartForConditionalGeneration

from catalog.dataset import Dataset
from catalog.facts import Facts
from catalog.facts_file import FactsFileError
from models.distillation.card import write_card
from models.distillation.evaluate import Share, measure
from models.distillation.export import export
from models.distillation.student import new_small
from models.distillation.training.config import FINE_TUNING, TrainConfig
from models.distillation.training.loop import train
from models.distillation.training.record import best_of, logged
from models.distillation.training.validation import greedy
from models.language.english import category_forms
from models.language.grounded import GroundedEngine
from models.prism.engines.choice import SHIPPED
from models.prism.engines.ctranslate2_engine import CTranslate2Engine
from models.prism.engines.protocol import ModelError
from models.prism.engines.torch_engine import TorchEngine
from models.prism.folder import SHORTLIST, load_config, load_tokenizer, shortlist
from models.prism.prompting import Prompting

pytestmark = pytest.mark.slow
SHORT = TINY.model_copy(update={"steps": 6, "checkpoint_every": 2, "batch": 4})


@pytest.fixture(scope="module", autouse=True)
def _narrow() -> Iterator[None]:
    """Make the students of this module narrow: how wide they are changes nothing but the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.distillation.student.new_small", narrow)
        yield


@pytest.fixture(scope="module")
def labels(demo: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_labels(tmp_path_factory.mktemp("labels"), demo_samples(demo, 200))


@pytest.fixture(scope="module")
def finished(labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the work folder of a run that nothing has interrupted, to be read or copied."""
    work = tmp_path_factory.mktemp("finished") / "work"
    train(labels, work, SHORT)
    return work


@pytest.fixture(scope="module")
def begun(labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the work folder of a run that was stopped after its first checkpoint, to be copied."""
    work = tmp_path_factory.mktemp("begun") / "work"
    train(labels, work, SHORT, stop_at=2)
    return work


@pytest.fixture(scope="module")
def student(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the finished run was exported to, to be read or copied."""
    folder = tmp_path_factory.mktemp("student") / "student"
    export(finished, SHORT, None, folder)
    return folder


def rows_of(labels: Path) -> list[dict[str, str]]:
    return [
        row for file in labels.glob("labels-*.parquet") for row in pq.read_table(file).to_pylist()
    ]


def weights(work: Path, step: int = SHORT.steps) -> dict[str, NDArray[np.float32]]:
    return load_file(work / f"checkpoint-{step:06}" / "model.safetensors")


def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(
    labels: Path, finished: Path, tmp_path: Path
) -> None:
    train(labels, tmp_path, SHORT, stop_at=5)  # the last checkpoint is that of step 4
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 6, "lo')  # a kill may leave half a line
    steps: list[int] = []
    train(labels, tmp_path, SHORT, on_step=lambda step, _: steps.append(step))
    assert steps == [5, 6]
    straight, killed = weights(finished), weights(tmp_path)
    assert straight.keys() == killed.keys()
    assert [name for name in straight if not np.array_equal(straight[name], killed[name])] == []
    straight_log, killed_log = (
        [json.loads(line) | {"seconds": 0} for line in file.read_text().splitlines()]
        for file in (finished / "log.jsonl", tmp_path / "log.jsonl")
    )
    assert killed_log == straight_log


def test_a_killed_run_with_dropout_sees_the_same_dropout_again(
    labels: Path, tmp_path: Path
) -> None:
    """As of a BART of the hub."""
    base = bart_folder(tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "dropout": 0.5}))
    tuning = TrainConfig(**{**FINE_TUNING, "steps": 2, "batch": 4, "checkpoint_every": 1})
    train(labels, tmp_path / "straight", tuning, base)
    train(labels, tmp_path / "killed", tuning, base, stop_at=1)
    train(labels, tmp_path / "killed", tuning, base)
    straight, killed = weights(tmp_path / "straight", 2), weights(tmp_path / "killed", 2)
    assert [name for name in straight if not np.array_equal(straight[name], killed[name])] == []


def test_a_run_ends_when_patience_runs_out_and_its_best_step_becomes_the_prism(
    labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = iter([0.5, 0.3, 0.4, 0.6, 0.2])

    def measured(*_: object) -> tuple[dict[str, float], list[object]]:
        return {"valid_loss": next(planned), "texts": 9, "faithful": 1.0, "exact": 0.0}, []

    monkeypatch.setattr("models.distillation.training.loop.validate", measured)
    config = SHORT.model_copy(update={"checkpoint_every": 1, "patience": 2, "matrix_rate": None})
    steps: list[int] = []
    for stop_at in (3, None, None):  # a killed run remembers, and one that has ended is at its end
        train(
            labels, tmp_path / "work", config, stop_at=stop_at, on_step=lambda n, _: steps.append(n)
        )
    assert steps == [1, 2, 3, 4]
    assert export(tmp_path / "work", config, None, tmp_path / "prism") == 2
    trained = weights(tmp_path / "work", 2)["model.shared.weight"]
    exported = load_file(tmp_path / "prism" / "model.safetensors")["model.shared.weight"]
    assert np.array_equal(trained.astype(np.float16), exported)


def test_processes_and_times_of_reading_make_the_step_of_one_large_batch(
    labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alike = SHORT.model_copy(update={"steps": 3, "checkpoint_every": 3, "matrix_rate": None})
    large = alike.model_copy(update={"batch": 8})
    twice = alike.model_copy(update={"accumulate": 2})
    train(labels, tmp_path / "large", large)
    train(labels, tmp_path / "twice", twice)

    def one_of_two() -> None:
        AcceleratorState._reset_state(reset_partial_state=True)  # it was that of one alone
        train(labels, tmp_path / "both", alike)

    debug_launcher(one_of_two, num_processes=2)
    expected, *others = (
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("large", "twice", "both")
    )
    for log in others:
        assert len(log) == 3
        for row, wanted in zip(log, expected, strict=True):
            assert row["loss"] == pytest.approx(wanted["loss"], rel=1e-4)
            assert row["norm"] == pytest.approx(wanted["norm"], rel=1e-2)
        assert log[-1]["valid_loss"] == pytest.approx(expected[-1]["valid_loss"], rel=1e-3)
    with pytest.raises(FileExistsError, match="processes was 2"):
        train(labels, tmp_path / "both", alike)


def test_a_finished_run_is_not_run_again(labels: Path, finished: Path, tmp_path: Path) -> None:
    work = shutil.copytree(finished, tmp_path / "work")
    train(labels, work, SHORT, on_step=lambda step, _: pytest.fail(f"step {step}"))


def test_a_run_does_not_go_on_from_the_checkpoints_of_another(
    labels: Path, begun: Path, tmp_path: Path
) -> None:
    work = shutil.copytree(begun, tmp_path / "work")
    other = SHORT.model_copy(update={"batch": 8})
    with pytest.raises(FileExistsError, match=r"another run \(batch was 4\)"):
        train(labels, work, other)


def test_a_run_goes_on_with_equal_labels_however_they_were_written(
    labels: Path, begun: Path, tmp_path: Path
) -> None:
    """Labels that were lost are made again, perhaps by other libraries."""
    work = shutil.copytree(begun, tmp_path / "work")
    [shard] = labels.glob("labels-*.parquet")
    (tmp_path / "again").mkdir()
    pq.write_table(pq.read_table(shard), tmp_path / "again" / shard.name, compression="gzip")
    steps: list[int] = []
    train(tmp_path / "again", work, SHORT, on_step=lambda n, _: steps.append(n), stop_at=3)
    assert steps == [3]
    pq.write_table(pq.read_table(shard)[::-1], tmp_path / "again" / shard.name)
    with pytest.raises(FileExistsError, match="labels was"):
        train(tmp_path / "again", work, SHORT)


@pytest.mark.parametrize(
    "file", ["run.json", "model.safetensors", "optimizer.safetensors", "tokenizer.json"]
)
def test_a_damaged_file_of_a_run_is_named(
    file: str, labels: Path, begun: Path, tmp_path: Path
) -> None:
    work = shutil.copytree(begun, tmp_path / "work")
    [damaged] = work.rglob(file)
    damaged.write_bytes(damaged.read_bytes()[:20])
    with pytest.raises(ModelError, match=file.replace(".", r"\.")):
        train(labels, work, SHORT)


def test_damaged_labels_are_named(labels: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(labels, tmp_path / "labels")
    shard = next(copy.glob("labels-*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(FactsFileError, match=rf"{shard.name} is damaged"):
        train(copy, tmp_path / "work", SHORT)


def test_the_loss_falls(labels: Path, tmp_path: Path) -> None:
    losses: list[float] = []
    faster = {"steps": 12, "batch": 8, "rate": 2e-2, "matrix_rate": 2e-2, "warmup": 4}
    config = TINY.model_copy(update=faster)  # a narrow student takes it, and learns at once
    train(labels, tmp_path, config, on_step=lambda _, figures: losses.append(figures["loss"]))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


@pytest.mark.parametrize("count", [0, 1])
def test_labels_that_are_too_few_are_an_error(labels: Path, tmp_path: Path, count: int) -> None:
    [shard] = labels.glob("labels-*.parquet")
    pq.write_table(pq.read_table(shard)[:count], tmp_path / shard.name)
    with pytest.raises(FactsFileError, match=f"has {count} labels.*too few to train on"):
        train(tmp_path, tmp_path / "work", SHORT)
    train(labels, tmp_path / "work", SHORT, stop_at=1)  # nothing of it stands in the way


def test_labels_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(FactsFileError, match="prism label"):
        train(tmp_path, tmp_path / "work", SHORT)


def test_the_exported_folder_is_a_bart_to_everybody(
    labels: Path, finished: Path, student: Path
) -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(student)
    assert type(model).__name__ == "BartForConditionalGeneration"
    assert model.config.encoder_layers == 4
    [text] = {row["text"] for row in rows_of(labels)[:1]}
    theirs = AutoTokenizer.from_pretrained(student).tokenize(text)
    assert ["<s>", *theirs, "</s>"] == load_tokenizer(student).encode(text).tokens
    trained = weights(finished, best_of(logged(finished, SHORT.steps)).step)
    for name, value in model.named_parameters():
        expected = trained[name].astype(np.float16).astype(np.float32)
        assert np.array_equal(value.detach().float().numpy(), expected), name


def test_every_label_needs_only_its_prompt_and_the_shortlist(labels: Path, student: Path) -> None:
    tokenizer = load_tokenizer(student)
    allowed = shortlist(student) or []
    assert len(allowed) < 0.3 * tokenizer.get_vocab_size()
    for row in rows_of(labels):
        prompt, text = (set(tokenizer.encode(row[column]).tokens) for column in ("prompt", "text"))
        assert text <= {*prompt, *allowed}
    for form in category_forms():
        assert set(tokenizer.encode(f" {form}").tokens) <= {"<s>", "</s>", *allowed}


def test_a_reference_is_one_token_wherever_it_stands(labels: Path, finished: Path) -> None:
    tokenizer = load_tokenizer(finished)
    for row in rows_of(labels):
        for text in (row["prompt"], row["text"]):
            tokens = tokenizer.encode(text).tokens
            spelled = [
                tokenizer.decode([tokenizer.token_to_id(token) or 0]).strip() for token in tokens
            ]
            references = re.findall(r"“[0-3]”", text)
            assert [
                token for token in spelled if token in {"“0”", "“1”", "“2”", "“3”"}
            ] == references


def test_a_run_has_a_card_and_curves(finished: Path, student: Path, tmp_path: Path) -> None:
    prism = shutil.copytree(student, tmp_path / "prism")
    write_card(prism, finished, SHORT, 6)
    card = json.loads((prism / "card.json").read_text())
    assert TrainConfig(**card["config"]) == SHORT
    assert [row["step"] for row in card["validation"]] == [2, 4, 6]
    assert {"valid_loss", "faithful", "exact"} <= card["validation"][0].keys()
    assert {"prompt", "text", "faithful"} == card["samples"][0].keys()
    assert len(card["labels"]) == 12
    assert card["processes"] == 1
    assert (prism / "curves.svg").read_text().startswith("<?xml")


def test_both_shapes_of_the_small_student_have_as_many_parameters() -> None:
    counts = {
        layers: sum(p.numel() for p in new_small(6000, layers).parameters())
        for layers in ("4+4", "6+2")
    }
    assert counts["4+4"] == pytest.approx(counts["6+2"], rel=0.005)
    assert counts["4+4"] * 2 < 20 * 2**20  # bytes in fp16, as shipped


def _without_people(facts: Facts) -> Facts:
    nobody: dict[str, object] = {"attributes": {}}
    evidence = tuple(entry.model_copy(update=nobody) for entry in facts.evidence)
    item = facts.item.model_copy(update=nobody)
    return facts.model_copy(update={"item": item, "evidence": evidence})


def test_a_bart_folder_is_fine_tuned_by_the_same_code_and_served(
    demo: Dataset, tmp_path: Path
) -> None:
    bare = [  # every letter is a token of this BART, and casts are long
        replace(sample, facts=_without_people(sample.facts)) for sample in demo_samples(demo, 40)
    ]
    labels = make_labels(tmp_path, bare, form="titles")
    base = bart_folder(tmp_path / "base")
    config = TrainConfig(**{**FINE_TUNING, "steps": 3, "batch": 4, "checkpoint_every": 3})
    train(labels, tmp_path / "work", config, base)
    export(tmp_path / "work", config, base, tmp_path / "prism")
    tuned = load_file(tmp_path / "prism" / "model.safetensors")
    before = load_file(base / "model.safetensors")
    assert (tuned["model.shared.weight"] != before["model.shared.weight"]).any()
    written = Tokenizer.from_file(str(tmp_path / "prism" / "tokenizer.json"))
    assert written.get_vocab() == Tokenizer.from_file(str(base / "tokenizer.json")).get_vocab()
    write_card(tmp_path / "prism", tmp_path / "work", config, 3, "facebook/bart-base")
    told = json.loads((tmp_path / "prism" / "card.json").read_text())["config"]
    assert told["base"] == "facebook/bart-base"
    assert not {"layers", "vocabulary"} & told.keys()
    assert load_config(tmp_path / "prism").form == "titles"
    engine = CTranslate2Engine(tmp_path / "prism", tmp_path / "engines", "int8", 1)
    assert len(engine.write(demo_facts(demo, 1))) == 1


@pytest.mark.parametrize("more", [-1, 3])
def test_a_bart_of_other_settings_is_served_as_it_was_trained(
    more: int, labels: Path, demo: Dataset, tmp_path: Path
) -> None:
    """Tokens without a row or rows without a token, as on the hub, and scaled embeddings."""
    base = bart_folder(tmp_path / "base")
    tokens = load_tokenizer(base).get_vocab_size()
    model = BartForConditionalGeneration.from_pretrained(base)
    model.resize_token_embeddings(tokens + more, mean_resizing=False)
    model.config.scale_embedding = True
    torch.manual_seed(1)
    for matrix in (value for value in model.parameters() if value.ndim == 2):
        torch.nn.init.normal_(matrix, std=0.3)  # so that it writes more than an end
    model.save_pretrained(base)
    config = TrainConfig(**{**FINE_TUNING, "steps": 2, "batch": 4, "checkpoint_every": 2})
    train(labels, tmp_path / "work", config, base)
    export(tmp_path / "work", config, base, tmp_path / "prism")
    assert json.loads((tmp_path / "prism" / "config.json").read_text())["scale_embedding"]
    (tmp_path / "prism" / SHORTLIST).unlink()  # a Prism of two steps wants to write any token
    facts = demo_facts(demo, 4)
    engine = CTranslate2Engine(tmp_path / "prism", tmp_path / "engines", "float32", 1)
    assert engine.write(facts) == TorchEngine(tmp_path / "prism", "cpu").write(facts)
    saved = load_file(tmp_path / "prism" / "model.safetensors")
    assert len(saved["model.shared.weight"]) == tokens


def test_settings_for_summaries_do_not_change_what_is_measured() -> None:
    model = BartForConditionalGeneration.from_pretrained(SHIPPED, dtype=torch.float32)
    prompting = Prompting.of(SHIPPED)
    prompt = prompting.tokenizer.encode("1 similarity “0” loved “1”")
    prompts = [np.array(prompt.ids, dtype=np.uint16)]
    expected = greedy(model, prompting, prompts)
    model.generation_config.update(**FOR_SUMMARIES)
    assert greedy(model, prompting, prompts) == expected


# ---------------------------------------------------------------------- measuring


def test_the_measure_of_grounded_texts_is_what_they_are(demo: Dataset) -> None:
    samples = [row for row in demo_samples(demo, 2000) if row.split == "test"]
    quality = measure(samples, GroundedEngine().write([row.facts for row in samples]))
    assert quality.strict == quality.whole == Share(len(samples), len(samples))
    assert quality.names_evidence.count == quality.names_evidence.total


def test_a_text_that_lies_breaks_off_or_names_nobody_is_counted(demo: Dataset) -> None:
    samples = demo_samples(demo, 40)
    texts = GroundedEngine().write([row.facts for row in samples])
    texts[0] = f"“{samples[0].facts.item.title}” won an award."
    texts[1] = texts[1][:-1]
    quality = measure(samples, texts)
    assert quality.strict == Share(38, 40)
    assert quality.whole == Share(39, 40)
    assert quality.rejected.total() == 2


def test_an_interval_holds_its_share() -> None:
    low, high = Share(97, 100).interval
    assert 0.91 < low < 0.97 < high < 0.99
    assert Share(0, 0).interval == (0, 1)
    assert str(Share(0, 0)) == "-"
