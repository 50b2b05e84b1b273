"""How statements of years and decades are held against the Facts."""

from models.faithfulness.judging.context import Context, Judged, distinct
from models.faithfulness.reading.attributes import EARLIER
from models.faithfulness.reading.statements import Statement, Things
from models.language.english import decade


def judge_year(context: Context, statement: Statement) -> Judged:
    """A year holds for what it is said of."""
    if statement.how.startswith("apart"):
        return _apart(context, statement)
    if statement.how == "gap":
        return _gap(context, statement)
    if statement.how.startswith("order"):
        return _ordered(context, statement)
    if statement.beside is not None:
        return _same_date(context, statement)
    year = context.tokens[statement.values[0]].text
    return context.told(statement, lambda item: str(item.year) == year if item.year else None)


def judge_decade(context: Context, statement: Statement) -> Judged:
    """So does a decade."""
    told = int(context.tokens[statement.values[0]].text[:-1])
    return context.told(statement, lambda item: decade(item.year) == told if item.year else None)


def _same_date(context: Context, statement: Statement) -> Judged:
    """Of one year or decade with all that is named beside it."""
    meant = [*context.resolve(statement.about), *context.resolve(statement.beside or Things())]
    years = {context.entities[n].year for mention in meant for n in mention}
    if None in years or len(distinct(meant)) < 2:
        return "unverifiable", "not every year is known"
    dates = {decade(y or 0) if statement.how == "decade" else y for y in years}
    return len(dates) == 1, "" if len(dates) == 1 else f"not of one {statement.how}"


def _apart(context: Context, statement: Statement) -> Judged:
    """So many years before or after what it is compared with."""
    number = int(context.tokens[statement.values[0]].text) if statement.values else 1
    years = -number if statement.how.split()[1] in EARLIER else number
    mine = context.resolve(statement.about)
    others = [m for m in context.resolve(statement.beside or Things()) if m not in mine]
    known = [context.entities[n].year for other in others for n in other]
    if not known or None in known:
        return "unverifiable", "not every year is known"
    return context.told(
        statement,
        lambda item: all(item.year == (y or 0) + years for y in known) if item.year else None,
    )


def _gap(context: Context, statement: Statement) -> Judged:
    """So many years lie between two things."""
    meant = distinct(context.resolve(statement.about))
    years = [context.entities[n].year for mention in meant for n in mention]
    if len(years) != 2 or None in years:
        return "unverifiable", "it is not plain which two, or when they were made"
    context.is_told |= {0} in meant
    gap = abs((years[0] or 0) - (years[1] or 0))
    return gap == int(context.tokens[statement.values[0]].text), f"{gap} years lie between"


def _ordered(context: Context, statement: Statement) -> Judged:
    """Before or after what it is compared with, by their years."""
    others = context.resolve(statement.beside or Things())
    known = [context.entities[n].year for other in others for n in other]
    if not known or None in known:
        return "unverifiable", "not every year is known"
    earlier = statement.how.split()[1] in EARLIER
    return context.told(
        statement,
        lambda item: (
            all(item.year < (y or 0) if earlier else item.year > (y or 0) for y in known)
            if item.year
            else None
        ),
    )
