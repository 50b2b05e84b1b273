"""Who may import whom, what starts without heavy libraries, and how every module begins."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "catalog": {"catalog"},
    "ranker": {"ranker", "catalog"},
    "models": {"models", "catalog"},
    "service": {"service", "models", "ranker", "catalog"},
}
FOLDERS = {
    "service": {
        "": set[str](),  # what lies in service/ itself: the others may all import it
        "ranker_client": {"ranker_client"},
        "redis": {"redis"},
        "http": {"http", "ranker_client"},
        "deployments": {"deployments", "http", "ranker_client", "redis"},
        "cli": {"cli", "deployments", "http", "redis"},
    },
    "models": {
        "": set[str](),
        "language": {"language"},
        "faithfulness": {"faithfulness", "language"},
        "oracle": {"oracle", "language"},
        "prism": {"prism", "faithfulness", "language"},
        "distillation": {"distillation", "oracle", "prism", "faithfulness", "language"},
    },
    "models/faithfulness": {
        "": {"reading", "judging", "spotting", "describing"},  # policies, over all of them
        "reading": {"reading"},
        "judging": {"judging", "reading"},
        "spotting": {"spotting", "judging", "reading"},
        "describing": {"describing", "judging", "reading"},
    },
}
"""Which folders of a package the modules of each may import."""
HEAVY = {"torch", "transformers", "ctranslate2"}


def modules(package: str) -> list[Path]:
    """Return the source files of a package."""
    return sorted((ROOT / package).rglob("*.py"))


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the full name of every module among the nodes that is imported."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import hides where it leads"
            # What is imported from a package may be a module of it.
            yield from (f"{node.module}.{name.name}" for name in node.names)


def packages(names: Iterable[str]) -> set[str]:
    """Return the top-level packages of modules."""
    return {name.partition(".")[0] for name in names}


def imports_of(module: Path) -> set[str]:
    """Return the full names of all that a source file imports, wherever in it."""
    return set(imported(ast.walk(ast.parse(module.read_text("utf-8")))))


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
        ours = MAY_IMPORT.keys() & packages(imports_of(module))
        assert ours <= MAY_IMPORT[package], f"{module.relative_to(ROOT)} imports {ours}"


@pytest.mark.parametrize("package", FOLDERS)
def test_a_folder_of_a_package_imports_only_what_is_below_it(package: str) -> None:
    folders, upward = FOLDERS[package], set()
    for module in modules(package):
        *above, name = module.relative_to(ROOT / package).with_suffix("").parts
        folder = above[0] if above else ""
        for other in imports_of(module):
            inside = other.removeprefix(f"{package.replace('/', '.')}.")
            to = inside.partition(".")[0]
            if inside != other and to in folders.keys() - folders[folder]:
                upward.add(f"{'/'.join([package, *above, name])} imports {to}")
    assert not upward


@pytest.mark.parametrize("package", FOLDERS)
def test_every_folder_of_a_package_has_its_place_among_the_others(package: str) -> None:
    found = {module.relative_to(ROOT / package).parts[0] for module in modules(package)}
    assert {name for name in found if not name.endswith(".py")} == FOLDERS[package].keys() - {""}


@pytest.mark.parametrize("one, other", [("embedded", "distributed"), ("distributed", "embedded")])
def test_no_deployment_is_made_of_another(one: str, other: str) -> None:
    of_one = imports_of(ROOT / "service" / "deployments" / f"{one}.py")
    assert not [name for name in of_one if name.startswith(f"service.deployments.{other}")]


@pytest.mark.parametrize("package", ["catalog", "ranker", "service"])
def test_no_module_outside_models_loads_a_model_library_when_it_is_imported(package: str) -> None:
    for module in modules(package):
        loaded = packages(imported(at_import(ast.parse(module.read_text("utf-8")))))
        assert not loaded & HEAVY, module.relative_to(ROOT)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("service.http.gateway", {"pandas", "uvicorn"}),
        ("service.deployments.embedded", {"pandas", "redis"}),
        ("service.cli.main", {"pandas", "fastapi", "uvicorn", "redis", "scipy.stats"}),
        ("service.cli.ready", {"typer", "pydantic", "numpy", "asyncio"}),
        ("service.deployments.distributed", {"pandas", "scipy.stats"}),
        ("ranker.service", {"pandas", "fastapi", "implicit"}),
        ("models.prism.writer", {"pandas", "pyarrow"}),
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
