"""Converted models are derived: whatever happens to them, the Prism writes, and what it should."""

import errno
import fcntl
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from cluster import wait_for
from student_fixtures import demo_facts, narrow

from catalog.dataset import Dataset
from catalog.facts import Facts
from catalog.files import new_folder
from models.distillation.student import save_student
from models.prism import prompting
from models.prism.engines import ctranslate2_engine, specification
from models.prism.engines.choice import SHIPPED, open_engine
from models.prism.engines.conversion import converted
from models.prism.engines.ctranslate2_engine import CTranslate2Engine
from models.prism.engines.protocol import ModelError
from models.prism.folder import load_tokenizer

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
START = """
import resource, sys
sys.modules["torch"] = None  # it is not needed, and takes seconds
from pathlib import Path
from catalog.facts import Facts
from catalog.types import Item
from models.prism.engines.ctranslate2_engine import CTranslate2Engine
if len(sys.argv) > 3:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    engine = CTranslate2Engine(Path(sys.argv[1]), Path(sys.argv[2]), "int8", 1)
    print(engine.write([Facts(item=Item(id="1", title="Heat"))])[0])
except ValueError as error:
    print("error:", error)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the shipped model, converted."""
    cache = tmp_path_factory.mktemp("whole")
    converted(SHIPPED, load_tokenizer(SHIPPED), "int8", cache)
    return cache


@pytest.fixture
def cache(whole: Path, tmp_path: Path) -> Path:
    """Return a copy of such a folder."""
    return Path(shutil.copytree(whole, tmp_path / "engines"))


@pytest.fixture
def model(cache: Path) -> Path:
    """Return the converted model in it."""
    [model] = (path for path in cache.iterdir() if path.is_dir())
    return model


@pytest.fixture(scope="module")
def facts(demo: Dataset) -> list[Facts]:
    return demo_facts(demo, 8)


@pytest.fixture(scope="module")
def texts(whole: Path, facts: list[Facts]) -> list[str]:
    """Return what the model writes."""
    return CTranslate2Engine(SHIPPED, whole, "int8", 1).write(facts)


def start(cache: Path, *limit: str) -> str:
    """Return what a new process writes with the shipped model, or its error, and its warnings."""
    # Root may do everything, but for these: to it, too, a mode means something then.
    usual = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run(
        [*usual * (os.geteuid() == 0), sys.executable, "-c", START, SHIPPED, cache, *limit],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def flip(file: Path) -> None:
    """Turn over some bytes of weights, so that the file still loads."""
    damaged = bytearray(file.read_bytes())
    for position in range(len(damaged) * 2 // 5, len(damaged) * 2 // 5 + 4000):
        damaged[position] ^= 0x55
    file.write_bytes(damaged)


def change_one_bit(file: Path) -> None:
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)


def be_a_folder(model: Path) -> None:
    (model / "model.bin").unlink()
    (model / "model.bin").mkdir()


def be_empty(model: Path) -> None:
    for file in model.iterdir():
        file.unlink()


def be_a_file(model: Path) -> None:
    shutil.rmtree(model)
    model.write_text("in the way")


def be_a_link_to_nothing(model: Path) -> None:
    shutil.rmtree(model)
    model.symlink_to(model.with_name("nowhere"))


def be_another(model: Path) -> None:
    be_empty(model)
    (model / "notes.txt").write_text("in the way")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "weights cut short": lambda model: os.truncate(model / "model.bin", 1_000_000),
    "weights emptied": lambda model: os.truncate(model / "model.bin", 0),
    "weights overwritten": lambda model: flip(model / "model.bin"),
    "one bit of the weights": lambda model: change_one_bit(model / "model.bin"),
    "no weights": lambda model: (model / "model.bin").unlink(),
    "no vmap": lambda model: (model / "vmap.txt").unlink(),
    "no config": lambda model: (model / "config.json").unlink(),
    "no vocabulary": lambda model: (model / "shared_vocabulary.json").unlink(),
    "vmap emptied": lambda model: (model / "vmap.txt").write_text(""),
    "config of another": lambda model: (model / "config.json").write_text("{}"),
    "vocabulary of another": lambda model: (model / "shared_vocabulary.json").write_text("[]"),
    "no digest": lambda model: (model / "digest.txt").unlink(),
    "digest of another": lambda model: (model / "digest.txt").write_bytes(b"\xff"),
    "weights are a folder": be_a_folder,
    "emptied": be_empty,
    "another's": be_another,
    "a file": be_a_file,
    "a link to nothing": be_a_link_to_nothing,
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_made_again_and_the_log_says_so(
    damage: str,
    cache: Path,
    model: Path,
    facts: list[Facts],
    texts: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    DAMAGES[damage](model)
    assert CTranslate2Engine(SHIPPED, cache, "int8", 1).write(facts) == texts
    if damage != "a link to nothing":  # what it leads to was never there
        [told] = [entry.getMessage() for entry in caplog.records]
        assert "made again" in told
        assert str(model) in told
    caplog.clear()
    made = (model / "model.bin").stat()
    assert CTranslate2Engine(SHIPPED, cache, "int8", 1).write(facts) == texts
    assert (model / "model.bin").stat() == made
    assert caplog.records == []
    assert not [
        path for path in cache.iterdir() if path.name not in {".lock", model.name, "nowhere"}
    ]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "{}", '{"translators": 1}',
        '{"translators": 0, "threads": 1}',
        '{"translators": -1, "threads": 1}',
        '{"translators": 1000000000, "threads": 1}',
        '{"translators": 1, "threads": 64}',
        '{"translators": "many", "threads": 1}',
        '{"translators": 1.5, "threads": 1}',
        '{"translators": [1], "threads": {}}',
        "[" * 100_000,
        "\udcff",
    ],
)  # fmt: skip
def test_a_damaged_calibration_is_measured_again(
    text: str, cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def seconds(*about: object) -> float:
        measured.append(about[2:])
        return 1.0

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(ctranslate2_engine, "_seconds", seconds)
    assert CTranslate2Engine(SHIPPED, cache).layout == "2 replicas of 1 threads"
    [file] = cache.glob("calibration-*.json")
    file.write_text(text, "utf-8", "surrogateescape")
    measured.clear()
    assert CTranslate2Engine(SHIPPED, cache).layout == "2 replicas of 1 threads"
    assert measured
    measured.clear()
    assert CTranslate2Engine(SHIPPED, cache).layout == "2 replicas of 1 threads"
    assert measured == []


def test_a_calibration_of_another_processor_is_not_ours(
    cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    took = {(2, 1): 1.0, (1, 2): 2.0, (1, 1): 3.0}
    for name, layout in (("one", "2 replicas of 1"), ("other", "1 replicas of 2")) * 2:
        monkeypatch.setattr(ctranslate2_engine, "_processor", lambda name=name: name)
        monkeypatch.setattr(
            ctranslate2_engine, "_seconds", lambda *about, took=took: took[about[2:]]
        )
        assert CTranslate2Engine(SHIPPED, cache).layout.startswith(layout)
        took = {**took, (1, 2): 0.5}
    assert len(list(cache.glob("calibration-*.json"))) == 2


@pytest.mark.parametrize("file", ["", "model.bin"])
def test_one_that_cannot_be_read_is_made_again(file: str, cache: Path, model: Path) -> None:
    (model / file).chmod(0o000)
    told = start(cache)
    assert "“Heat”" in told
    assert "made again" in told
    assert stat.S_IMODE((model / file).stat().st_mode) & 0o400
    assert [path for path in cache.iterdir() if path.name != ".lock"] == [model]


class TestAFolderThatCannotBeWritten:
    def test_it_is_served_from_if_it_holds_the_model(self, whole: Path, tmp_path: Path) -> None:
        folder = shutil.copytree(whole, tmp_path / "engines")
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = sorted(path.stat().st_mtime_ns for path in folder.rglob("*"))
        assert "“Heat”" in start(folder)
        assert sorted(path.stat().st_mtime_ns for path in folder.rglob("*")) == before

    @pytest.mark.parametrize("holds", ["nothing", "a damaged model"])
    def test_it_is_named_if_it_does_not(self, whole: Path, tmp_path: Path, holds: str) -> None:
        folder = tmp_path / "engines"
        if holds == "nothing":
            folder.mkdir()
        else:
            shutil.copytree(whole, folder)
            flip(next(folder.glob("*/model.bin")))
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        told = start(folder)
        assert told.startswith(f"error: {folder} cannot be written (Permission denied): PRISM_ENG")

    def test_a_layout_that_cannot_be_kept_is_measured_at_each_start(
        self, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def full(file: Path, text: str) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))

        monkeypatch.setattr(ctranslate2_engine, "write_whole", full)
        monkeypatch.setattr(ctranslate2_engine, "_seconds", lambda *_: 1.0)
        CTranslate2Engine(SHIPPED, cache)
        assert "not kept" in caplog.text

    def test_a_full_disk_is_named_and_half_a_model_is_never_left(self, tmp_path: Path) -> None:
        cache = tmp_path / "engines"
        told = start(cache, "1000000")
        assert told.startswith(f"error: {cache} cannot be written (File too large)")
        assert [path.name for path in cache.iterdir()] == [".lock"]
        assert "“Heat”" in start(cache)


class TestLocks:
    def test_a_file_system_without_them_is_used_all_the_same(
        self, tmp_path: Path, facts: list[Facts], texts: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def none(*_: object) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(fcntl, "flock", none)
        for _ in range(2):
            assert CTranslate2Engine(SHIPPED, tmp_path / "new", "int8", 1).write(facts) == texts

    def test_nobody_waits_for_ever_for_a_process_that_stands_still_with_it(
        self, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(ctranslate2_engine, "_PATIENCE_S", 0.2)
        with (cache / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            CTranslate2Engine(SHIPPED, cache, "int8", 1)
        assert "without a lock" in caplog.text


def test_what_killed_conversions_leave_does_not_pile_up(tmp_path: Path) -> None:
    cache = tmp_path / "engines"
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", START, SHIPPED, cache], cwd=ROOT)
        wait_for(lambda: any(cache.glob(".*.work/new/model.bin")))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(list(cache.glob(".*.work"))) <= 1
    assert "“Heat”" in start(cache)
    assert len([path for path in cache.iterdir() if path.name != ".lock"]) == 1


# ---------------------------------------------------------------------- the Prism's own folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return another model with the shipped model's tokenizer."""
    folder = tmp_path_factory.mktemp("other")
    tokenizer = load_tokenizer(SHIPPED)
    torch.manual_seed(1)
    save_student(narrow(tokenizer.get_vocab_size(), "4+4"), tokenizer, folder)
    return folder


def put(source: Path, target: Path) -> None:
    """Put a copy of a model in place of another."""
    with new_folder(target, "model.safetensors") as work:
        shutil.copytree(source, work, dirs_exist_ok=True)


@pytest.mark.parametrize(
    "module, step",
    [
        (prompting, "load_tokenizer"),
        (prompting, "load_config"),
        (ctranslate2_engine, "weights_hash"),
    ],
)
def test_a_model_that_is_replaced_while_it_is_loaded_is_loaded_again(
    module: ModuleType,
    step: str,
    other: Path,
    tmp_path: Path,
    facts: list[Facts],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, cache = tmp_path / "model", tmp_path / "engines"
    put(SHIPPED, model)
    original, replaced = getattr(module, step), list[bool]()

    def and_replace(folder: Path) -> object:
        found = original(folder)
        if not replaced:
            put(other, model)
            replaced.append(True)
        return found

    monkeypatch.setattr(ctranslate2_engine, "_seconds", lambda *_: 1.0)
    monkeypatch.setattr(module, step, and_replace)
    engine = open_engine(str(model), cache, "ctranslate2")
    expected = CTranslate2Engine(other, tmp_path / "its own", "int8", 1)
    assert engine.version == expected.version
    assert engine.write(facts) == expected.write(facts)
    # Nothing was kept under the name of another model.
    put(SHIPPED, model)
    again = open_engine(str(model), cache, "ctranslate2")
    shipped = CTranslate2Engine(SHIPPED, tmp_path / "its own", "int8", 1)
    assert again.write(facts) == shipped.write(facts)


def test_a_model_that_is_replaced_while_it_is_converted_is_not_kept_under_the_other_name(
    other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, cache = tmp_path / "model", tmp_path / "engines"
    put(SHIPPED, model)
    tokenizer = load_tokenizer(model)
    load_weights = specification.load_weights

    def late(folder: Path) -> object:
        put(other, model)
        (model / "shortlist.json").write_bytes((SHIPPED / "shortlist.json").read_bytes())
        (model / "config.json").write_bytes((other / "config.json").read_bytes())
        return load_weights(folder)

    monkeypatch.setattr(specification, "load_weights", late)
    with pytest.raises(ModelError):
        converted(model, tokenizer, "int8", cache)
    assert not [path for path in cache.glob("*") if path.is_dir()]


def test_a_model_whose_replacement_was_killed_half_way_is_found_again(tmp_path: Path) -> None:
    """As where the system cannot exchange folders."""
    work = tmp_path / ".model.abcdefgh.work"
    work.mkdir()
    shutil.copytree(SHIPPED, work / "old")
    engine = open_engine(str(tmp_path / "model"), tmp_path / "engines", "torch")
    assert engine.version.startswith(CTranslate2Engine(SHIPPED, tmp_path / "e").version[:12])


@pytest.mark.parametrize("name", ["encoder_layers", "decoder_layers", "encoder_attention_heads"])
@pytest.mark.parametrize("value", [None, -1, 0, 10**12, "six", [], 2.5])
def test_a_config_that_does_not_fit_the_weights_is_told(
    name: str, value: object, tmp_path: Path
) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, name: value}))
    with pytest.raises(ModelError, match=str(folder)):
        CTranslate2Engine(folder, tmp_path / "engines", "int8", 1)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("config.json", "[]"),
        ("config.json", "null"),
        ("shortlist.json", "{}"),
        ("shortlist.json", "[1, 2]"),
        ("shortlist.json", '"text"'),
        ("tokenizer.json", "{}"),
        ("model.safetensors", ""),
        ("model.safetensors", "\0" * 64),
    ],
)
def test_a_file_of_the_wrong_kind_is_told(file: str, text: str, tmp_path: Path) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / "model")
    (folder / file).write_text(text)
    with pytest.raises(ModelError, match=str(folder)):
        CTranslate2Engine(folder, tmp_path / "engines", "int8", 1)
