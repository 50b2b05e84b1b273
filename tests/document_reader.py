"""A reader who does what a document says: runs its commands, asks what it asks, compares."""

import doctest
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import typer
from documents import ROOT, Block, assert_like, commands_of, shown_json, words_of
from fastapi import FastAPI
from service_fixtures import Client, client_of

from service.cli.main import app

DISTILLING = "hours; tests/test_distillation_commands.py does the same with little"
NOT_RUN = {
    "make test": "this is part of it",
    "redis-server docker/redis/redis.conf": "a server; tests/test_distributed.py starts all four",
    "docker-compose up -d --scale worker=3": "Docker; tests/test_compose_up.py",
    "docker-compose --profile gpu up -d": "Docker, and a GPU",
    "docker-compose build": "Docker; tests/test_compose_up.py",
    "old=$(docker-compose ps -q worker)": "Docker; tests/test_compose_up.py",
    "docker-compose up -d --no-deps --no-recreate --scale worker=2 worker": "Docker; the same",
    "docker-compose ps worker": "Docker; tests/test_compose_up.py",
    "docker stop $old && docker rm $old": "Docker; tests/test_compose_up.py",
    "docker-compose up -d --no-deps ranker": "Docker; tests/test_compose_up.py",
    "docker-compose up -d --no-deps gateway": "Docker; tests/test_compose_up.py",
    "docker run -p 127.0.0.1:8000:8000 -e PRISM_ALLOW_OPEN=1 prism": "Docker",
    "docker run -p 8000:8000 -v $PWD/keys.txt:/keys.txt:ro -e PRISM_API_KEYS=/keys.txt prism": (
        "Docker"
    ),
    "bench/gpu.sh data/facts-gpu /tmp/gpu WHEELS": "a GPU",
    "prism facts data/facts-gpu --parts 2 --k 10": "for a GPU",
    "pip install -c constraints.txt -e '.[serve,demo,train]'": "installs",
    "pip install -c constraints.txt -e '.[serve,demo,oracle]'": "installs",
    "prism data import table INTERACTIONS [ITEMS] --data data/mine …": "a pattern",
    "prism data describe data/mine": "the same",
    "prism train-ranker --data data/mine --snapshot data/mine-ranker": "the same; README runs one",
    "prism serve --data data/mine --snapshot data/mine-ranker": "the same; README runs one",
    "prism facts data/facts": DISTILLING,
    "prism label data/facts data/labels": DISTILLING,
    "prism distill data/labels data/prism": DISTILLING,
    "prism evaluate data/facts --model data/prism": DISTILLING,
    "prism serve --model data/prism": DISTILLING,
    "prism label data/texts data/labels --policy factual": DISTILLING,
    "prism evaluate data/facts --model data/prism --texts data/texts": DISTILLING,
    "prism write data/facts data/texts --oracle hf": "a model from the hub; test_oracle_hf.py",
    "prism write data/facts data/texts --oracle hf --rows test": "a model from the hub",
    "prism distill data/labels data/prism --student facebook/bart-base": "a model from the hub",
    "PRISM_POLICY=factual prism serve --model data/prism": "a model from the hub",
    "torchrun --nproc-per-node 4 --no-python prism distill data/labels data/prism": "four GPUs",
    "prism write data/facts data/texts --oracle hf --model smollm2 --examples 3 --limit 24 "
    "--longest 64": "a model to be downloaded, and minutes",
    "prism write data/facts data/texts --oracle openai --model gpt-4o-mini "
    "--price-prompt 0.15 --price-text 0.6 --dry-run": "a key of OpenAI; test_oracle_server.py",
    "OPENAI_API_KEY=… prism write data/facts data/texts --oracle openai --model gpt-4o-mini "
    "--price-prompt 0.15 --price-text 0.6 --budget-money 5": "a key of OpenAI, and money",
    "transformers serve data/models/smollm2 --port 8799": "a model to be downloaded",
    "prism write data/facts data/texts --oracle openai --url http://127.0.0.1:8799/v1 "
    "--model data/models/smollm2 --examples 3 --limit 20 --concurrency 2": "asks the same",
    "prism write data/facts data/texts --oracle openai --url http://127.0.0.1:8000/v1 "
    "--model MODEL": "a server of a model",
}
"""Commands of the documents that are not run here, and why not, or where they are."""
Prism = Callable[..., tuple[str, str]]


class Reader:
    """Somebody who does what a document says, block by block, in a folder of their own."""

    def __init__(self, prism: Prism, apps: list[FastAPI], demo_service: Client) -> None:
        self._prism, self._apps = prism, apps
        self._service = demo_service
        self._started: FastAPI | None = None
        self._stack = ExitStack()
        self._variables: dict[str, str] = {}
        self._python: dict[str, Any] = {}
        self._answer: Any = None

    def close(self) -> None:
        """Stop what serves."""
        self._stack.close()

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        if block.file:
            Path(block.file).write_text(block.text, "utf-8")
            return
        match block.kind:
            case "sh":
                for command in commands_of(block.text):
                    self._run(command)
            case "console":
                first, *told = block.text.splitlines()
                said = self._run(first.removeprefix("$ ")).splitlines()
                assert [line.rstrip() for line in said] == told
            case "python":
                self._python_of(block.text)
            case "json":
                assert_like(shown_json(block.text), self._answer)
            case "diff":
                applies(block.text)
            case "mermaid":
                assert block.text.startswith("flowchart")
            case kind:
                pytest.fail(f"a block of the kind {kind!r} is not run by anything: {block.text}")

    def _run(self, command: str) -> str:
        """Run a command, and return what it prints beside its output."""
        is_understood(command)
        if command in NOT_RUN:
            return ""
        variables, words = words_of(os.path.expandvars(command))
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self._variables, **variables}.items():
                patch.setenv(name, value)
            if assigned := re.fullmatch(r"([A-Z]+)=\$\((prism .*)\)", command):
                out, told = self._prism(*assigned[2].split()[1:])
                os.environ[assigned[1]] = self._variables[assigned[1]] = out.strip()
                return told
            match words:
                case ["prism", "serve" | "ranker" | "worker" | "gateway", *options]:
                    return self._serve([words[1], *options])
                case ["prism", *options]:
                    status = 1 if options[0] == "check" else 0  # of these texts some are false
                    arguments, _, file = " ".join(options).partition(" > ")
                    out, told = self._prism(*arguments.split(), status=status)
                    if file:
                        Path(file).write_text(out, "utf-8")
                    return told
                case ["make", *targets]:
                    subprocess.run(["make", "--dry-run", *targets], cwd=ROOT, check=True,
                                   capture_output=True)  # fmt: skip
                case ["curl", *options]:
                    self._ask(options)
                case ["umask" | "openssl", *_]:
                    subprocess.run(["sh", "-euc", command], check=True)
                case _:
                    pytest.fail(f"neither run nor in NOT_RUN: {command}")
        return ""

    def _serve(self, arguments: Sequence[str]) -> str:
        _, told = self._prism(*arguments)
        if arguments[0] == "serve":
            self._started = self._apps[-1]  # and asked, perhaps
        return told

    def _ask(self, options: Sequence[str]) -> None:
        url, headers, body = "", {}, None
        waiting = list(options)
        while waiting:
            match waiting.pop(0):
                case "-H":
                    name, _, value = waiting.pop(0).partition(": ")
                    headers[name] = value
                case "-d":
                    body = waiting.pop(0)
                case given:
                    url = given
        assert url.startswith("localhost:8000/"), url
        if self._started is not None:
            self._service = self._stack.enter_context(client_of(self._started))
            self._started = None
        self._answer = self._service.request(
            "POST" if body else "GET", url.removeprefix("localhost:8000"),
            headers=headers, content=body,
        ).json()  # fmt: skip

    def _python_of(self, text: str) -> None:
        if ">>>" not in text:
            exec(compile(text, "a document", "exec"), self._python)
            return
        example = doctest.DocTestParser().get_doctest(text, self._python, "block", None, 0)
        told: list[str] = []
        doctest.DocTestRunner().run(example, out=told.append, clear_globs=False)
        assert not told, "".join(told)
        self._python = example.globs


def is_understood(command: str) -> None:
    """Check that what a command names is there: options, targets, modules, files, extras."""
    _, words = words_of(re.sub(r"^[A-Z]+=\$\((.*)\)$|( > \S+)$", r"\1", command))
    match words:
        case ["prism" | ".venv/bin/prism", *arguments]:
            found: Any = typer.main.get_command(app)
            while arguments and arguments[0] in getattr(found, "commands", {}):
                found = found.commands[arguments.pop(0)]
            known = {"--help", "-h", *(option for one in found.params for option in one.opts)}
            assert not hasattr(found, "commands") or not arguments, command
            assert {one for one in arguments if one.startswith("-")} <= known, command
        case ["make", *targets]:
            makefile = (ROOT / "Makefile").read_text("utf-8")
            assert set(targets) <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE)), command
        case [".venv/bin/python" | "python", "-m", "pytest", *options]:
            assert all((ROOT / one).is_file() for one in options if one.endswith(".py")), command
        case [".venv/bin/python" | "python", "-m", module, *_]:
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), command
        case [".venv/bin/python", script, *_]:
            assert (ROOT / script).is_file(), command
        case ["pip", "install", *_, extras] if "[" in extras:
            project = (ROOT / "pyproject.toml").read_text("utf-8")
            for extra in extras.strip(".[]").split(","):
                assert f"\n{extra} = [" in project, command
        case _:
            pass


def applies(diff: str) -> None:
    """Check that what a change takes away, or stands beside, is in its files."""
    for part in diff.split("--- a/")[1:]:
        file, _, *lines = part.splitlines()
        before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        assert before in (ROOT / file).read_text("utf-8"), file
