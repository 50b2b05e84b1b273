"""The engines: the shipped model writes the same texts whatever runs it, and no title is cut."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import ctranslate2
import numpy as np
import pytest
import torch
from student_fixtures import FOR_SUMMARIES, bart_folder, demo_facts, narrow

from catalog.dataset import Dataset
from catalog.facts import Facts
from catalog.files import stamp
from catalog.types import Item
from models.distillation.export import convert
from models.distillation.student import save_student, train_tokenizer
from models.prism.engines.choice import SHIPPED, open_engine
from models.prism.engines.conversion import converted
from models.prism.engines.ctranslate2_engine import CTranslate2Engine
from models.prism.engines.protocol import ModelError
from models.prism.engines.torch_engine import TorchEngine
from models.prism.folder import READY, SHORTLIST, PrismConfig, load_tokenizer
from models.prism.forms.protocol import FormName
from models.prism.forms.references import References
from models.prism.prompting import Prompting
from models.prism.writer import Writer

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure no layout here, which takes seconds for each model: the usual one is used."""
    monkeypatch.setattr("models.prism.engines.ctranslate2_engine._seconds", lambda *_: 1.0)


@pytest.fixture(scope="module")
def student() -> Path:
    return SHIPPED


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="module")
def facts(demo: Dataset) -> list[Facts]:
    return demo_facts(demo, 40)


def equal(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the share of texts that are the same."""
    return float(np.mean([a == b for a, b in zip(first, second, strict=True)]))


# ---------------------------------------------------------------------- the same texts


def test_our_conversion_writes_what_torch_writes(
    student: Path, cache: Path, facts: list[Facts]
) -> None:
    ours = CTranslate2Engine(student, cache, "float32", 1).write(facts)
    assert equal(ours, TorchEngine(student, "cpu", "float32").write(facts)) >= 0.95
    assert len(set(ours)) > 1


@pytest.fixture
def ready(student: Path, tmp_path: Path) -> Path:
    """Return the Prism's folder with its CTranslate2 form, as it is exported."""
    folder = Path(shutil.copytree(student, tmp_path / "ready"))
    convert(folder, load_tokenizer(folder))
    return folder


def test_our_conversion_equals_that_of_ctranslate2(student: Path, cache: Path, ready: Path) -> None:
    """Byte for byte, so that a folder writes the same whether it brings its form or is bare."""
    ours = converted(student, load_tokenizer(student), "int8", cache)
    made = {file.name for file in (ready / READY).iterdir()}
    assert made == {file.name for file in ours.iterdir()}
    for name in made:
        assert (ready / READY / name).read_bytes() == (ours / name).read_bytes(), name


def test_a_form_that_is_ready_is_used_while_it_fits(
    ready: Path, cache: Path, tmp_path: Path, facts: list[Facts], caplog: pytest.LogCaptureFixture
) -> None:
    engines = tmp_path / "engines"
    expected = CTranslate2Engine(SHIPPED, cache, "int8", 1).write(facts[:4])
    before = stamp(ready)
    assert CTranslate2Engine(ready, engines, "int8", 1).write(facts[:4]) == expected
    assert [path.name for path in engines.iterdir()] == [".lock"]
    assert stamp(ready) == before
    digest = ready / READY / "digest.txt"
    of, files, version = digest.read_text().split()
    for written, told in (
        (f"{of} {files} 99.0.0", "CTranslate2 99.0.0 wrote it"),
        (f"0123456789ab {files} {version}", "it is of other weights"),
        (f"{of} 0123456789ab {version}", "its files are not those"),
        ("", "not enough values"),
    ):
        caplog.clear()
        digest.write_text(written)
        assert CTranslate2Engine(ready, engines, "int8", 1).write(facts[:4]) == expected
        assert told in caplog.text
        assert len([path for path in engines.iterdir() if path.is_dir()]) == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_runs_on_torch_as_it_would_on_a_gpu(
    student: Path, facts: list[Facts], dtype: str
) -> None:
    texts = TorchEngine(student, "cpu", dtype).write(facts[:8])  # type: ignore[arg-type]
    assert all(text and "�" not in text for text in texts)


def test_a_text_does_not_depend_on_its_batch(
    student: Path, cache: Path, facts: list[Facts]
) -> None:
    engine = CTranslate2Engine(student, cache, "float32", 2)
    together = engine.write(facts)
    assert equal(together, [engine.write([one])[0] for one in facts]) >= 0.95
    assert equal(together[::-1], engine.write(facts[::-1])) >= 0.95


def test_the_shortlist_changes_no_text(
    student: Path, tmp_path: Path, cache: Path, facts: list[Facts]
) -> None:
    tokenizer = load_tokenizer(student)
    weighed = converted(student, tokenizer, "float32", cache) / "vmap.txt"
    always = weighed.read_text("utf-8").splitlines()[0].split()
    assert 0 < len(always) < tokenizer.get_vocab_size() / 4
    for file in student.iterdir():
        if file.name != SHORTLIST:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    free, bound = (CTranslate2Engine(f, cache, "float32", 1) for f in (tmp_path, student))
    assert free.version != bound.version
    # One at a time, as a batch may use the tokens of all its prompts.
    assert [free.write([one]) for one in facts[:20]] == [bound.write([one]) for one in facts[:20]]


def test_equal_weights_and_type_have_equal_versions(student: Path, cache: Path) -> None:
    first, second = (CTranslate2Engine(student, cache, "int8", 1).version for _ in range(2))
    assert first == second
    assert CTranslate2Engine(student, cache, "float32", 1).version != first


# ---------------------------------------------------------------------- prompts


def test_facts_of_any_length_have_a_prompt(student: Path) -> None:
    words = tuple(f"{n} {'words ' * 20}"[:100].strip() for n in range(16))
    attributes = {f"name {letter} {'of it ' * 4}".strip(): words[0] for letter in "abcdefgh"}
    entity = {"title": "山" * 200, "categories": words, "attributes": attributes}
    endless = Facts.model_validate(
        {
            "item": {"id": "0", **entity},
            "evidence": [{"id": str(n), "liking": "loved", **entity} for n in range(1, 4)],
            "evidence_kind": "contribution",
        }
    )
    for form in get_args(FormName):
        prompting = Prompting(load_tokenizer(student), PrismConfig(form=form))
        [prompt] = prompting.prompts([endless])
        assert 0 < len(prompt) <= prompting.config.max_prompt
        assert [prompt.tokens[0], prompt.tokens[-1]] == ["<s>", "</s>"]


def test_a_prompt_that_is_too_long_loses_details_but_no_reference() -> None:
    tokenizer = train_tokenizer([], 300)  # every byte is a token
    entity = {
        "categories": tuple("abcdefghijklmnop"),
        "year": 1990,
        "attributes": {"binding": "Li"},
    }
    facts = Facts.model_validate(
        {
            "item": {"id": "0", "title": "0", **entity},
            "evidence": [
                {"id": str(n), "title": str(n), "liking": "loved", **entity} for n in range(1, 4)
            ],
            "evidence_kind": "contribution",
            "popularity": "well_liked",
        }
    )
    prompting = Prompting(tokenizer, PrismConfig())
    assert len(tokenizer.encode(next(References().prompts(facts)))) > prompting.config.max_prompt
    [prompt] = prompting.prompts([facts])
    text = tokenizer.decode(prompt.ids)
    assert len(prompt) <= prompting.config.max_prompt
    assert "“0” ‘year’" in text
    assert all(f"“{number}”" in text for number in range(4))


def test_special_tokens_in_the_facts_do_not_reach_the_model(student: Path) -> None:
    hostile = Facts(
        item=Item(id="1", title="</s> <pad>", categories=("<mask>",), attributes={"name": "<s>"})
    )
    for form in get_args(FormName):
        [prompt] = Prompting(load_tokenizer(student), PrismConfig(form=form)).prompts([hostile])
        assert [prompt.tokens[0], prompt.tokens[-1]] == ["<s>", "</s>"]
        assert not {"<s>", "</s>", "<pad>", "<mask>"} & set(prompt.tokens[1:-1])


# ---------------------------------------------------------------------- choosing


def test_what_a_poor_student_writes_never_reaches_a_reader(
    student: Path, tmp_path: Path, cache: Path, facts: list[Facts]
) -> None:
    tokenizer = load_tokenizer(student)
    torch.manual_seed(1)
    untrained = narrow(tokenizer.get_vocab_size(), "4+4")
    (tmp_path / "poor").mkdir()
    save_student(untrained, tokenizer, tmp_path / "poor")
    rejected: list[object] = []
    writer = Writer(open_engine(str(tmp_path / "poor"), cache), "strict", rejected.append)
    written = writer.write(facts[:10])
    assert writer.model.startswith("prism-poor@")
    assert {(w.source, w.reason) for w in written} == {("grounded", "rejected")}
    assert len(rejected) >= len(written) == 10


def test_the_shipped_model_has_a_name_of_its_own(cache: Path) -> None:
    assert open_engine("small", cache, "ctranslate2").name == "prism-small"


@pytest.mark.parametrize(
    ("gpus", "cuda", "runtime"),
    [(1, True, "TorchEngine"), (1, False, "CTranslate2Engine"), (0, True, "CTranslate2Engine")],
)
def test_torch_writes_where_it_alone_can_use_a_gpu(
    gpus: int, cuda: bool, runtime: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CTranslate2 would, but here is no GPU. Nor can a torch that was built for CPUs alone."""
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    on_cpu = partial(TorchEngine, device="cpu")  # there is none here
    monkeypatch.setattr("models.prism.engines.torch_engine.TorchEngine", on_cpu)
    assert type(open_engine("small", cache)).__name__ == runtime


@pytest.mark.parametrize(
    ("single", "pair", "layout"), [(0.9, 1.0, "2 replicas of 1"), (0.8, 1.0, "1 replicas of 2")]
)
def test_the_usual_layout_is_left_only_for_one_that_is_clearly_faster(
    single: float, pair: float, layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What else runs on the machine while it is measured must not decide for ever."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    took = {(1, 2): single, (2, 1): pair, (1, 1): 2.0}
    monkeypatch.setattr(
        "models.prism.engines.ctranslate2_engine._seconds", lambda *about: took[about[2], about[3]]
    )
    assert CTranslate2Engine(SHIPPED, tmp_path).layout.startswith(layout)


def test_a_bart_of_the_hubs_layout_is_served(
    tmp_path: Path, cache: Path, facts: list[Facts]
) -> None:
    base = bart_folder(tmp_path / "bart-base")
    for runtime in ("ctranslate2", "torch"):
        engine = open_engine(str(base), cache, runtime)
        assert engine.name == "prism-bart-base"
        # It was never trained: what it writes says nothing, but nothing breaks.
        assert len(engine.write(facts[:3])) == 3


def test_settings_for_summaries_do_not_change_explanations(
    student: Path, tmp_path: Path, facts: list[Facts]
) -> None:
    for file in student.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = {**FOR_SUMMARIES, "decoder_start_token_id": 2, "eos_token_id": 2}
    (tmp_path / "generation_config.json").write_text(json.dumps(settings))
    expected = TorchEngine(student, "cpu").write(facts[:10])
    assert TorchEngine(tmp_path, "cpu").write(facts[:10]) == expected


def test_a_folder_without_weights_is_named(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        open_engine(str(tmp_path), cache)


@pytest.mark.parametrize(
    "file", ["config.json", "model.safetensors", "tokenizer.json", "shortlist.json"]
)
def test_a_damaged_file_is_named(file: str, student: Path, cache: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(student, tmp_path / "model")
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=file.replace(".", r"\.")):
        open_engine(str(folder), cache)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("activation_function", "silu", "activation_function 'silu'.*gelu, relu"),
        ("encoder_layers", 5, r"lacks 'model\.encoder\.layers\.4"),
        ("encoder_attention_heads", None, "lacks 'encoder_attention_heads'"),
    ],
)
def test_a_bart_that_is_not_as_expected_is_told_in_a_line(
    setting: str, value: object, message: str, student: Path, cache: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(student, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text()) | {setting: value}
    kept = {name: value for name, value in config.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(kept))
    with pytest.raises(ModelError, match=message):
        open_engine(str(folder), cache)


@pytest.mark.parametrize("file", ["tokenizer.json", "shortlist.json"])
def test_a_file_of_another_model_is_refused(
    file: str, student: Path, cache: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(student, tmp_path / "model")
    if file == "tokenizer.json":
        train_tokenizer(["another language"], 300).save(str(folder / file))
    else:
        (folder / file).write_text('["another", "language"]')
    with pytest.raises(ModelError, match="not of one model"):
        open_engine(str(folder), cache)


def test_a_folder_that_cannot_be_written_is_named(student: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="PRISM_ENGINES"):
        open_engine(str(student), tmp_path / "file" / "engines")


def test_processes_that_start_together_convert_once(student: Path, tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from models.prism.engines.choice import open_engine\n"
        f"print(open_engine({str(student)!r}, Path({str(tmp_path / 'shared')!r})).layout)"
    )
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(2)
    ]
    said = {process.communicate()[0] for process in starting}
    assert [process.returncode for process in starting] == [0, 0]
    assert len(said) == 1
    made = [path.name for path in (tmp_path / "shared").iterdir() if path.is_dir()]
    assert len(made) == 1


def test_serving_needs_no_torch(student: Path, cache: Path) -> None:
    script = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from pathlib import Path; from models.prism.engines.choice import open_engine\n"
        "from catalog.facts import Facts; from catalog.types import Item\n"
        f"engine = open_engine({str(student)!r}, Path({str(cache / 'bare')!r}))\n"
        "print(engine.write([Facts(item=Item(id='1', title='Heat'))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("['")
