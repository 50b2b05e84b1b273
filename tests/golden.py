"""What prompts, texts and verdicts are today, over fixed Facts; and how to write them anew.

A version that nobody raised would let old labels and cached texts pass for new ones. So the files
in `golden/` hold what the code makes, with its version, and `test_versions.py` fails where the code
makes something else. If that is meant: raise the version, then run

    .venv/bin/python tests/golden.py
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from described_texts import false_texts, true_texts
from other_worlds import WORLDS, facts_of

from catalog.facts import Facts
from models.faithfulness import CHECK_VERSION, check
from models.faithfulness.describing.described import DESCRIBED_VERSION
from models.language.grounded import GRAMMAR_VERSION, explain
from models.oracle.examples import EXAMPLES
from models.oracle.prompts import ORACLE_PROMPT_VERSION, as_one_text, oracle_prompts
from models.prism.forms.protocol import PROMPT_VERSION
from models.prism.forms.references import References

FOLDER = Path(__file__).parent / "golden"


def facts() -> list[Facts]:
    """Return the fixed Facts: eight of each world."""
    return [one for world in WORLDS.values() for one in facts_of(world, 8, seed=11)]


def prompts() -> Iterator[str]:
    """Yield the prompt of each of the Facts."""
    yield from (next(References().prompts(one)) for one in facts())


def texts() -> Iterator[str]:
    """Yield two grounded texts for each of the Facts."""
    for n, one in enumerate(facts()):
        yield explain(one)
        yield explain(one, n)


def verdicts() -> Iterator[str]:
    """Yield what the check says of texts of the corpus and of grounded ones, each with its claims.

    Every second grounded text is held against the Facts of another item.
    """
    corpus = Path(__file__).parent / "corpus"
    known = {
        row["key"]: Facts.model_validate(row["facts"])
        for row in map(json.loads, (corpus / "facts.jsonl").read_text("utf-8").splitlines())
    }
    rows = [json.loads(line) for line in (corpus / "open.jsonl").read_text("utf-8").splitlines()]
    samples = [(row["text"], known[row["facts"]]) for row in rows[::3]]
    fixed = facts()
    samples += [(explain(one), fixed[n - n % 2]) for n, one in enumerate(fixed)]
    for text, one in samples:
        verdict = check(text, one)
        claims = " ".join(f"{c.start}-{c.end} {c.type} {c.outcome};" for c in verdict.claims)
        yield f"{verdict.outcome}: {text} [{claims}]"


def oracle_prompts_told() -> Iterator[str]:
    """Yield prompts for an Oracle: whole and shortest, of both kinds, as the lines of one text."""
    described = [one for one, _ in EXAMPLES]
    for n, one in enumerate([*described, *facts()[::3]]):
        whole, *shorter = oracle_prompts(one, examples=n % 3)
        [unconstrained, *_] = oracle_prompts(one, "unconstrained")
        for prompt in (whole, *shorter[-1:], unconstrained):
            yield as_one_text(prompt).replace("\n", "↵")


def described() -> Iterator[str]:
    """Yield what `described` says of true texts and of every third false one."""
    samples = [(told["text"], one) for told, one in true_texts()]
    for text, one in [*samples, *((text, one) for _, text, one in false_texts()[::3])]:
        verdict = check(text, one, "described")
        failures = "; ".join(f"{text[c.start : c.end]}: {c.why}" for c in verdict.failures())
        yield f"{verdict.outcome}: {text} [{failures}]"


GOLDEN: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "prompts": (PROMPT_VERSION, prompts),
    "oracle_prompts": (ORACLE_PROMPT_VERSION, oracle_prompts_told),
    "texts": (GRAMMAR_VERSION, texts),
    "verdicts": (CHECK_VERSION, verdicts),
    "described": (f"{CHECK_VERSION}.{DESCRIBED_VERSION}", described),
}


def made(name: str) -> list[str]:
    """Return what the code makes today, its version first."""
    version, lines = GOLDEN[name]
    return [f"version {version}", *lines()]


def written(name: str) -> list[str]:
    """Return what the code made when the file was written."""
    file = FOLDER / f"{name}.txt"
    return file.read_text("utf-8").splitlines() if file.exists() else ["version none"]


def main() -> None:
    """Write every file anew whose version was raised; refuse where something changed without."""
    for name in GOLDEN:
        before, now = written(name), made(name)
        if before == now:
            continue
        if before[0] == now[0]:
            sys.exit(f"{name} changed, and its version did not: raise it first")
        (FOLDER / f"{name}.txt").write_text("\n".join(now) + "\n", "utf-8")


if __name__ == "__main__":
    main()
