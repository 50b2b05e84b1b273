"""Constructions of the grammar: a true sentence passes `strict`, its false twin does not."""

import pytest
from test_faithfulness_in_free_language import FACTS

from models.faithfulness import check

TWINS = """
We suggest a crime film, “Heat”.
  We suggest a thriller, “Heat”.
We suggest this action film: “Heat”.
  We suggest this action film: “Ronin”.
Another action film to consider is “Heat”, as you loved “Ronin”.
  Another thriller to consider is “Heat”, as you loved “Ronin”.
3 years separate “Heat” from “Ronin”.
  3 years separate “Heat” from “Collateral”.
“Heat” and “Collateral” are 9 years apart.
  “Heat” and “Ronin” are 9 years apart.
“Heat” is 48 minutes longer than “Ronin”.
  “Heat” is 50 minutes longer than “Ronin”.
“Heat” is longer than “Collateral”.
  “Heat” is shorter than “Collateral”.
9 years before “Collateral”, Michael Mann directed “Heat”.
  9 years before “Ronin”, Michael Mann directed “Heat”.
“Heat”, older than “Ronin”, is next.
  “Heat”, newer than “Ronin”, is next.
You loved “Ronin” and liked “Collateral”. “Heat” has the same director as the latter.
  You loved “Ronin” and liked “Collateral”. “Heat” has the same director as the former.
Try “Heat”, as you loved “Ronin” and liked “Collateral”, the latter of which is a crime film.
  Try “Heat”, as you loved “Ronin” and liked “Collateral”, the former of which is a crime film.
This film, “Heat”, was recommended because you loved “Ronin”.
  This film, “Heat”, was recommended because you loved “Collateral”.
“Heat” is a crime film, and “Collateral” is as well.
  “Heat” is a crime film, and “Ronin” is as well.
Here is “Heat”. Its director is ‘Michael Mann’, as is that of “Collateral”.
  Here is “Heat”. Its director is ‘Michael Mann’, as is that of “Ronin”.
You loved “Ronin”. For that reason we suggest “Heat”.
  You loved “Collateral”. For that reason we suggest “Heat”.
Your loves include “Ronin”, so we suggest “Heat”.
  Your loves include “Collateral”, so we suggest “Heat”.
One reason we suggest “Heat” is that it is an action film, as is “Ronin”.
  One reason we suggest “Heat” is that it is a thriller, as is “Ronin”.
“Heat” and “Collateral” have their director in common.
  “Heat” and “Ronin” have their director in common.
“Heat” is similar to “Collateral”, as both are crime films.
  “Heat” is similar to “Ronin”, as both are crime films.
You liked “Collateral”. “Heat” is a crime film, and like “Collateral” it is by Michael Mann.
  You loved “Ronin”. “Heat” is a crime film, and like “Ronin” it is by Michael Mann.
“Ronin” is one of the films you loved. If you liked “Collateral”, try “Heat”.
  “Ronin” is one of the films you loved, as is “Heat”. If you liked “Collateral”, try “Heat”.
If “Ronin” is your thing, try “Heat”.
  If “Heat” is your thing, try “Heat”.
From the director of “Collateral” comes “Heat”.
  From the director of “Ronin” comes “Heat”.
Whoever loves “Ronin”, as you do, may enjoy “Heat”.
  Whoever loves “Collateral”, as you do, may enjoy “Heat”.
A fan of “Ronin”? Why not give “Heat” a try?
  A fan of “Heat”? Why not give “Heat” a try?
Try “Heat”. This crime film is from 1995.
  Try “Heat”. This thriller is from 1995.
You liked “Collateral”, so we picked “Heat”, another crime film, for you.
  You loved “Ronin”, so we picked “Heat”, another crime film, for you.
Three years before “Ronin”, there was “Heat”.
  Four years before “Ronin”, there was “Heat”.
Try “Heat”, Michael Mann's film of 1995.
  Try “Heat”, Michael Mann's film of 1998.
“Ronin” from your history brought you “Heat”.
  “Heat” from your history is next.
The recommendation of “Heat” stems from your love of “Ronin”.
  The recommendation of “Heat” stems from your love of “Collateral”.
You liked not only “Ronin” but also “Collateral”, so we suggest “Heat”.
  You loved not only “Ronin” but also “Collateral”, so we suggest “Heat”.
"""
LINES = [line.strip() for line in TWINS.strip().splitlines()]
PAIRS = list(zip(LINES[::2], LINES[1::2], strict=True))


@pytest.mark.parametrize(("true", "false"), PAIRS)
def test_a_construction_passes_only_where_it_is_so(true: str, false: str) -> None:
    assert check(true, FACTS).passed, check(true, FACTS).failures()
    assert not check(false, FACTS).passed
