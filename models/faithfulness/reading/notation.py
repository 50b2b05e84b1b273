"""Reads the grammar's notation: rules in the manner of EBNF, as alternatives of symbols.

    liking: "you" recently? (loved | liked)
    liking: you _1 _2      _1: recently | (nothing)      _2: loved | liked

A pair of quotes holds a word or several; capitals are what the Facts fill in; `?` is once or not at
all, `*` any number of times; a rule that begins with `!` keeps its words in the parse; `//` begins
a comment. lark, which reads such grammars, is the peer of `bench/check.py`.
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r'"[^"]+"|\w+|[|()*?]|(?P<wrong>\S)')
_RULE = re.compile(r"^(?P<kept>!?)(?P<name>[a-z_][a-z_0-9]*):(?P<body>.*)$", re.DOTALL)

Alternatives = list[tuple[str, ...]]
"""What a rule may read: each a sequence of names of rules, and of words, which begin with "=".\""""


@dataclass
class Rules:
    """The rules of a grammar, those that have no name as `_1`, `_2` and so on.

    Raises ValueError for what is no rule, or names one that is not there.
    """

    text: str
    rules: dict[str, Alternatives] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._unnamed: dict[tuple[bool, str], str] = {}
        text = re.sub(r"//.*", "", self.text)
        for one in re.split(r"\n(?=\S)", text):
            if not one.strip():
                continue
            match = _RULE.match(one.strip())
            if match is None:
                raise ValueError(f"no rule: {one.strip()[:60]}")
            name = match["name"]
            if name in self.rules:
                raise ValueError(f"{name} is there twice")
            if match["kept"]:
                self.kept.add(name)
            self._tokens = self._split(name, match["body"])
            self._keeps = bool(match["kept"])
            self.rules[name] = self._alternatives()
        used = {s for found in self.rules.values() for one in found for s in one if s[0] != "="}
        if missing := used - self.rules.keys():
            raise ValueError(f"no such rules: {', '.join(sorted(missing))}")

    @staticmethod
    def _split(name: str, body: str) -> list[str]:
        found = []
        for match in _TOKEN.finditer(body):
            if match["wrong"]:
                raise ValueError(f"{name}: {match[0]!r} is nothing here")
            found.append(match[0])
        return found[::-1]  # the next one last

    def _alternatives(self) -> Alternatives:
        found = [self._sequence()]
        while self._tokens and self._tokens[-1] == "|":
            self._tokens.pop()
            found.append(self._sequence())
        return found

    def _sequence(self) -> tuple[str, ...]:
        found: list[str] = []
        while self._tokens and self._tokens[-1] not in {"|", ")"}:
            part = self._tokens.pop()
            if part == "(":
                inner = self._alternatives()
                if not self._tokens or self._tokens.pop() != ")":
                    raise ValueError(f"a parenthesis is not closed after {' '.join(found)}")
            elif part[0] == '"':
                inner = [tuple(f"={word}" for word in part[1:-1].split())]
            else:
                inner = [(f"={part}" if part.isupper() else part,)]
            found += self._repeated(inner)
        return tuple(found)

    def _repeated(self, inner: Alternatives) -> tuple[str, ...]:
        """Return alternatives as symbols: themselves, or a rule without a name."""
        sign = self._tokens.pop() if self._tokens and self._tokens[-1] in {"?", "*"} else ""
        if not sign and len(inner) == 1:
            return inner[0]
        key = (self._keeps, f"{sign} {sorted(inner)}")
        name = self._unnamed.get(key)
        if name is None:
            name = self._unnamed[key] = f"_{len(self._unnamed) + 1}"
            if self._keeps:
                self.kept.add(name)
            if sign == "*":
                self.rules[name] = [(), *((name, *one) for one in inner)]
            else:
                self.rules[name] = [*inner, ()] if sign else inner
        return (name,)
