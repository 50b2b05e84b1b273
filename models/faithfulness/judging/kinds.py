"""How a statement of each kind is held against the Facts: one small function for each."""

from collections.abc import Callable, Sequence
from typing import get_args

from catalog.facts import Verb
from catalog.types import Item
from models.faithfulness.claims import ClaimType, Outcome
from models.faithfulness.judging.context import Context, Judged, distinct
from models.faithfulness.judging.dates import judge_decade, judge_year
from models.faithfulness.judging.values import judge_attribute, of_one_series
from models.faithfulness.reading.facts_words import category_forms, has_category
from models.faithfulness.reading.statements import Statement, Things
from models.language.titles import may_be_series


def _liking(context: Context, statement: Statement) -> Judged:
    """What you loved or liked is evidence, and as strongly as it says."""
    if statement.how in get_args(Verb):
        return _use(context, statement)
    meant = context.resolve(statement.about)
    for mention in meant:
        if statement.about.word == "which" and mention == {0} != meant[-1]:
            continue  # of the item and what you liked it is the latter
        entries = [context.facts.evidence[n - 1] for n in mention if n]
        strong = statement.how in {"loved", "loved?"}
        known = statement.how == "known" and bool(entries)  # of the history, however it was liked
        if not known and not any(entry.is_liked(strongly=strong) for entry in entries):
            of_last = statement.about.word != "which" or mention == meant[-1]
            asked = statement.how == "loved?" and bool(entries)  # one may ask it of what is liked
            return (
                "contradicted" if of_last and not asked else "unverifiable"
            ), "not so in the history"
        if len(mention) == 1 and statement.how in {"loved", "liked"}:
            before = context.strengths.setdefault(min(mention), statement.how)
            if before != statement.how:  # of what one loved, both are true
                return "unverifiable", "said to be liked in two ways"
    return (True, "") if meant else ("unverifiable", "it does not say what is liked")


def _use(context: Context, statement: Statement) -> Judged:
    """What you played is evidence of which just this is known: of a liking it is not."""
    meant = context.resolve(statement.about)
    for mention in meant:
        entries = [context.facts.evidence[n - 1] for n in mention if n]
        if not entries:
            of_last = statement.about.word != "which" or mention == meant[-1]
            return "contradicted" if of_last else "unverifiable", "not so in the history"
        if not any(e.liking == "used" for e in entries) or statement.how != context.facts.verb:
            return "unverifiable", "what was done with it is not known"
    return (True, "") if meant else ("unverifiable", "it does not say what it is said of")


def _recency(context: Context, statement: Statement) -> Judged:
    """Only the latest likings are recent."""
    if context.facts.evidence_kind == "recent":
        return True, ""
    return "unverifiable", "when it was liked is not known"


def _relation(context: Context, statement: Statement) -> Judged:
    """Only evidence that carried or resembles the item may be its cause."""
    if statement.how == "that" and not context.last_likes:
        return "unverifiable", "it is not plain what this is"
    causal = context.facts.evidence_kind in {"contribution", "similar"}
    return causal, "" if causal else "these Facts give no cause"


def _role(context: Context, statement: Statement) -> Judged:
    """What is offered is the item, and nothing else."""
    meant = context.resolve(statement.about)
    if statement.how == "also":
        return (True, "") if context.facts.evidence else ("unverifiable", "beside what?")
    if statement.how == "beside":  # compared with the item: what was liked
        others = context.resolve(statement.beside or Things())
        true = all(mention - {0} for mention in meant) or all(0 not in m for m in others)
        return (True, "") if true else ("unverifiable", "the item is no liking")
    context.is_told |= any(0 in mention for mention in meant)
    if meant and all(0 in mention for mention in meant):
        return True, ""
    plain = statement.about.word != "it"
    return ("contradicted" if plain else "unverifiable"), "this is not what is recommended"


def _category(context: Context, statement: Statement) -> Judged:
    """Every category holds for what it is said of; what is similar shares one."""
    if statement.beside is not None:
        return _similar(context, statement)
    forms = context.tokens[statement.values[0]].parts
    if len({_meant(form, context.entities) for form in forms}) < len(forms):
        return False, "the same detail twice"
    return context.told(
        statement,
        lambda item: all(has_category(item, form) for form in forms) if item.categories else None,
    )


def _popularity(context: Context, statement: Statement) -> Judged:
    """Only of the item is it known how many like it."""
    tier = context.facts.popularity
    meant = context.resolve(statement.about)
    context.is_told |= any(0 in mention for mention in meant)
    if not meant or not all(0 in mention for mention in meant):
        return "unverifiable", "only of the item is it known"
    return tier == "favourite" or (tier is not None and statement.how == "well_liked"), ""


def _similar(context: Context, statement: Statement) -> Judged:
    """What is similar has a category in common; more is not known."""
    others = [context.entities[n] for m in context.resolve(statement.beside or Things()) for n in m]
    equal = statement.how == "equal"
    true, _ = context.told(
        statement,
        lambda item: all(
            (all if equal else any)(has_category(other, c) for c in item.categories)
            and (not equal or len(other.categories) == len(item.categories))
            for other in others
        ),
    )
    so = true is True and bool(others)
    return (True, "") if so else ("unverifiable", "they have no category in common")


def _series(context: Context, statement: Statement) -> Judged:
    """Titles and years show that things are of one series."""
    assert statement.beside is not None
    mine = context.resolve(statement.about)
    others = context.resolve(statement.beside)
    if statement.how == "all":  # of one series
        mine, others = distinct(mine)[:1], distinct([*mine, *others])[1:]
        if not others:
            return "unverifiable", "it does not say of one series with what"
    true = all(
        any(of_one_series(context.entities[n], context.entities[m]) for n in one for m in other)
        for one in mine
        for other in others
    )
    if statement.how == "sequel" and true:
        years = [context.entities[n].year or 0 for m in others for n in m]
        own = [context.entities[n].year or 0 for m in context.resolve(statement.about) for n in m]
        true = min(own, default=0) > max(years, default=3000)
    context.is_told = True
    if true and others:
        return True, ""
    about = [context.entities[n].title for m in context.resolve(statement.about) for n in m]
    beside = [context.entities[n].title for m in others for n in m]
    open_ = any(may_be_series(one, other) for one in about for other in beside)
    told: Outcome = "unverifiable" if open_ else "contradicted"
    return told, "titles and years do not show one series"


def _count(context: Context, statement: Statement) -> Judged:
    """So many there are; and no detail is told twice."""
    if statement.how == "twice":
        return False, "its year twice"
    if statement.how in {"another", "distinct"}:
        told = [part for n in statement.values for part in context.tokens[n].parts]
        if len({_meant(form, context.entities) for form in told}) < len(told):
            return False, "the same detail twice"
        if statement.how == "another":
            shared = context.any_evidence(
                lambda item: all(has_category(item, form) for form in told)
            )
            return (True, "") if shared else ("unverifiable", "it is not plain what the other is")
        return True, ""
    meant = context.resolve(statement.about)
    true = statement.about.count in context.sizes(meant)
    why = "" if true else f"there are {len(distinct(meant))}"
    if statement.about.word == "all":  # another two may be meant
        return (True, "") if true else ("unverifiable", why)
    return true, why


def _meant(form: str, entities: Sequence[Item]) -> frozenset[str]:
    """Return the categories that a form may stand for: "romantic" and "romance" are one."""
    told = {category for entity in entities for category in entity.categories}
    return frozenset(
        c.casefold() for c in told if any(form.casefold() == f for f, _ in category_forms(c))
    )


KINDS: dict[ClaimType, Callable[[Context, Statement], Judged]] = {
    "liking": _liking,
    "recency": _recency,
    "relation": _relation,
    "role": _role,
    "category": _category,
    "year": judge_year,
    "decade": judge_decade,
    "popularity": _popularity,
    "attribute": judge_attribute,
    "series": _series,
    "count": _count,
}
"""How the statements of each type are judged."""
