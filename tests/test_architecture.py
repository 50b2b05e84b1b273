"""Who may import whom, what starts without heavy libraries, and how every module begins."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.hashes import LABELLING, WRITING

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "catalog": {"catalog"},
    "ranker": {"ranker", "catalog"},
    "models": {"models", "catalog"},
    "service": {"service", "models", "ranker", "catalog"},
}
HEAVY = {"torch", "transformers", "ctranslate2"}


def modules(package: str) -> list[Path]:
    """Return the source files of a package."""
    return sorted((ROOT / package).rglob("*.py"))


def imported(nodes: Iterator[ast.AST] | list[ast.stmt]) -> Iterator[str]:
    """Yield the top-level package of every import among the nodes."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import hides where it leads"
            yield (node.module or "").partition(".")[0]


def at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that run when a module is imported: all but the bodies of functions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(
                child for child in ast.iter_child_nodes(node) if not _is_type_checking(node)
            )


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_is_below_it(package: str) -> None:
    assert modules(package)
    for module in modules(package):
        ours = MAY_IMPORT.keys() & set(imported(ast.walk(ast.parse(module.read_text("utf-8")))))
        assert ours <= MAY_IMPORT[package], f"{module.relative_to(ROOT)} imports {ours}"


def test_ranker_and_models_do_not_know_each_other() -> None:
    assert "models" not in MAY_IMPORT["ranker"]
    assert "ranker" not in MAY_IMPORT["models"]


@pytest.mark.parametrize("package", ["catalog", "ranker", "service"])
def test_no_module_outside_models_loads_a_model_library_when_it_is_imported(package: str) -> None:
    for module in modules(package):
        loaded = set(imported(at_import(ast.parse(module.read_text("utf-8")))))
        assert not loaded & HEAVY, module.relative_to(ROOT)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("service.http.gateway", {"pandas", "uvicorn"}),
        ("service.deployments.embedded", {"pandas", "redis"}),
        ("service.cli.main", {"pandas", "fastapi", "uvicorn", "redis", "scipy.stats"}),
        ("service.deployments.distributed", {"pandas", "scipy.stats"}),
        ("ranker.service", {"pandas", "fastapi", "implicit"}),
        ("models.writer", {"pandas", "pyarrow"}),
    ],
)
def test_a_process_loads_no_library_that_it_does_not_need(module: str, absent: set[str]) -> None:
    script = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert not loaded & (absent | HEAVY)


@pytest.mark.parametrize("package", [*MAY_IMPORT, "bench", "tests"])
def test_every_module_says_its_job_in_its_first_line(package: str) -> None:
    for module in modules(package):
        docstring = ast.get_docstring(ast.parse(module.read_text("utf-8")), clean=False) or ""
        first, _, rest = docstring.partition("\n")
        where = module.relative_to(ROOT)
        assert first.strip().endswith((".", ":")), f"{where}: {first!r} is no whole line"
        assert not rest or rest.startswith("\n"), f"{where}: the first line goes on in the second"


@pytest.mark.parametrize("known", [WRITING, LABELLING])
def test_the_code_that_texts_and_labels_depend_on_is_known_whole(known: tuple[str, ...]) -> None:
    for module in known:
        tree = ast.parse((ROOT / "models" / f"{module}.py").read_text("utf-8"))
        used = {
            module.removeprefix("models.").replace(".", "/")
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            and (module := str(node.module)).startswith("models.")
        }
        assert used <= {*known, "engine", "hashes"}
