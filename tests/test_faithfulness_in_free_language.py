"""What `factual` contradicts of sentences that the grammar does not read, and what it lets be."""

import pytest

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item
from models.faithfulness import check

FACTS = Facts(
    noun=Noun(one="film", many="films"),
    item=Item(
        id="1",
        title="Heat",
        categories=("Action", "Crime"),
        year=1995,
        attributes={"director": "Michael Mann", "runtime": 170},
    ),
    evidence=(
        Evidence(
            id="2",
            title="Ronin",
            categories=("Action", "Thriller"),
            year=1998,
            attributes={"director": "John Frankenheimer", "runtime": 122},
            liking="loved",
        ),
        Evidence(
            id="3",
            title="Collateral",
            categories=("Crime",),
            year=2004,
            attributes={"director": "Michael Mann", "runtime": 120},
            liking="liked",
        ),
    ),
    evidence_kind="contribution",
)
RECENT = FACTS.model_copy(update={"evidence_kind": "recent"})

SO = """
Before he made “Collateral”, Michael Mann had made “Heat”.
You loved “Ronin”. “Collateral” and “Heat” are both crime films. Both are a treat.
“Collateral” is the shortest of the three, “Heat” the longest.
You have never loved a crime film so far; you merely liked “Collateral”.
You haven't come across “Heat” yet, have you?
You watched “Ronin” and could not stop talking about it.
“Heat” runs about fifty minutes longer than “Ronin”.
John Frankenheimer, whose “Ronin” you loved, has a rival: “Heat” is Michael Mann's.
All the films you took to came after “Heat”.
“Heat” is a twentieth-century film, “Collateral” a twenty-first-century one.
As a fan of “Ronin”, you should not miss “Heat”.
Not only “Ronin” but also “Collateral” brought you “Heat”.
“Ronin” as well as “Collateral” is on your shelf; why not put “Heat” there?
At 170 minutes “Heat” asks for an evening.
“Heat” was made three years before “Ronin”, which won your heart.
Three years older than “Ronin”, “Heat” still has your name on it.
“Heat” is older than both “Ronin” and “Collateral”.
Don't let “Heat” pass you by, Michael Mann isn't a stranger to you.
Michael Mann's “Heat” runs for close to three hours.
John Frankenheimer made “Ronin” three years after “Heat” came out.
Two of your favourites, one crime and one action, meet in “Heat”.
“Heat” isn't a comedy, and neither is “Ronin”.
Heat and Ronin share a shelf, don't they?
You never know: “Heat” might grow on you.
Where “Ronin” is a thriller, “Heat” is more of a crime story.
If you would rather not have another thriller like “Ronin”, “Heat” is action and crime instead.
“Heat” isn't John Frankenheimer's work, but it shares its action with “Ronin”.
“Heat” won several awards in 1996.
“Heat” follows a detective who, ten years after his divorce, hunts a thief.
Set in 1980s Los Angeles, “Heat” is about a heist.
“Heat” was remade in 2012 as a series.
Ten years after it came out, “Heat” is still a treat.
After “Ronin” from 1998, you may want to go back three years to “Heat”.
You loved “Ronin”, a film three years younger than “Heat”.
Unlike “Ronin”, “Heat” isn't a thriller.
“Heat” is not a thriller, but a crime film.
Not a thriller but a crime film: that's “Heat”.
It takes a Michael Mann to make “Heat”, and you liked his “Collateral”.
It was Michael Mann who made “Heat”, as he made “Collateral” nine years later.
Michael Mann made “Heat” first and “Collateral” nine years later.
John Frankenheimer's “Ronin” led us to Michael Mann's “Heat”.
Longer than both “Ronin” and “Collateral”, “Heat” runs for 170 minutes.
“Heat” is 48 minutes longer than “Ronin” and fifty longer than “Collateral”.
“Ronin” is the shorter film at 122 minutes, “Heat” the longer one at 170.
Of the two films you know, “Collateral” is the one that shares its director with “Heat”.
Nobody had to twist your arm over “Ronin”; maybe nobody needs to with “Heat”.
You might say “Heat” is the grandfather of “Collateral”: same director, nine years earlier.
If “Collateral” was your first Michael Mann film, “Heat” could be your second.
What “Ronin” did for you in 1998, “Heat” did three years earlier.
You never forget “Ronin”, do you? Then “Heat” is for you.
There is no shortage of action in “Heat”.
“Heat” has nothing of a romance about it.
There's a drama lover in everyone, but “Heat” is for the crime fan in you.
Only “Collateral” has the same director as “Heat”; “Ronin” has another.
We won't say that “Heat” is a comedy.
Is “Heat” a drama? No, it's a crime film.
You didn't just like “Ronin”, you loved it.
You couldn't get enough of “Ronin”, so try “Heat”.
Didn't you love “Ronin”? Here's “Heat”.
Haven't seen “Heat” yet? You loved “Ronin” after all.
Before you saw “Ronin”, there was “Heat”.
A crime film from before the days of “Collateral”, “Heat” came out in 1995.
From Michael Mann, who directed “Collateral”, comes “Heat”.
Nine years before “Collateral” and three before “Ronin”, there was “Heat”.
“Heat” beats “Ronin” by 48 minutes.
Between “Heat” and “Collateral” lie nine years, between “Heat” and “Ronin” three.
It's not Frankenheimer this time but Mann: “Heat”.
“Heat” has been loved by critics since 1995.
Since the nineties, “Heat” has been a hit with critics.
The director of “Collateral” also made “Heat”.
Your love of thrillers like “Ronin” made us think of “Heat”.
Another action film for the shelf beside “Ronin”: “Heat”.
With “Ronin” you loved a thriller; with “Heat” you'd get a crime film.
Two directors, three films: you liked “Collateral”, you loved “Ronin”, and “Heat” is next.
“Heat” could become one of your favourites.
Al Pacino and Robert De Niro star in “Heat”, a crime film by Michael Mann.
“Heat”, starring Al Pacino, is based on a book by Michael Mann himself.
Inspired by Jean-Pierre Melville, “Heat” is a crime film.
“Heat” is shot by Dante Spinotti.
Scored by Elliot Goldenthal, “Heat” sounds great.
“Heat” was made long before “Collateral”, which you liked.
“Heat”, or “Ronin” and “Collateral”, the crime film you liked?
“Heat” next to “Collateral” and “Ronin”, the thriller that you loved, is the eldest.
“Ronin” and “Heat”, from 1995, are both full of action.
“Heat” is longer than either of the films you liked.
“Heat” runs for more than two hours, and over 100 minutes.
Unlike “Collateral”, “Heat” is an action film.
“Heat” is by a different director from “Ronin”.
Here's another of his films, like “Collateral” by Michael Mann: “Heat”.
“Heat” predates both of the films you liked.
Of the three, “Collateral” is the newcomer: “Heat” and “Ronin” were there before it.
“Ronin” is the only one of these three that isn't a crime film; “Heat” is.
“Ronin” isn't as long as “Heat”.
"""
NOT_SO = """
“Heat” is a shorter film than “Ronin”, which you loved.
Shorter than either of them, “Heat” might fit a free evening.
“Heat” runs for less than 120 minutes.
“Heat” will take you less time than “Ronin” did.
“Heat” has the fewest minutes of the three.
Unlike “Collateral”, “Heat” is a crime film.
“Heat” is by a different director from “Collateral”.
Michael Mann made “Collateral”, but “Heat” was the work of somebody else.
John Frankenheimer, the man who gave you “Ronin”, also directed “Heat”.
Its director, Frankenheimer, also gave the world “Heat”. You loved “Ronin”.
Of the three, “Heat” is the newcomer: the others are older.
“Ronin” predates “Heat”, and “Heat” postdates both.
“Heat” is the odd one out, the only one of these that isn't a crime film.
“Collateral” is the only one of these three that is a crime film. “Heat” is none.
Before he made “Heat”, Michael Mann had made “Collateral”.
“Heat” is the youngest film here.
“Heat” is the shortest of the three.
“Heat” was filmed in the twenty-first century.
You were lukewarm about “Ronin”, so try “Heat”.
You found “Ronin” too slow, so here's “Heat”.
You liked “Collateral” but had no time for “Ronin”; there's “Heat”.
John Frankenheimer, whose “Ronin” you loved, directed “Heat” too.
None of the films you liked has a single category in common with “Heat”.
All the films you took to came before “Heat”.
You loved “Ronin”. Michael Mann directed it.
You've liked “Ronin” and “Collateral”. Michael Mann made them both, and “Heat” besides.
Nine years on from “Collateral”, Michael Mann gave us “Heat”.
You couldn't stand “Ronin”, yet “Heat” may change your mind.
“Heat” was made five years before “Ronin”.
Three years younger than “Ronin”, “Heat” is still worth it.
“Heat” is newer than “Collateral”, whatever they say.
“Heat” isn't a crime film at all, mind you.
Remember “Heat”? You loved “Heat” back then.
You adored “Collateral”, so go and see “Heat” at once.
Martin Scorsese's “Heat” is a long one.
“Heat”, directed by Francis Ford Coppola, is waiting.
John Frankenheimer made “Heat” before he turned to other things.
So much for “Heat”; have a go at it after “Casino”, which you loved.
Why wait? We recommend “Ronin” with all our heart.
“Heat”, a gem from the seventies, is waiting.
“Heat” is shorter than “Ronin”, so there's time.
A decade before “Ronin”, Michael Mann made “Heat”.
“Heat” and “Ronin” are five years apart, you know.
The newer of the two, “Heat” came out after “Ronin”.
“Heat” has fewer minutes than “Collateral”, to put it so.
“Heat” takes half as long as “Ronin”, more or less.
Ask John Frankenheimer, the man behind “Heat”.
His “Ronin” aside, John Frankenheimer also directed “Heat”.
Another one from John Frankenheimer: “Heat”.
The team behind “Ronin” also made “Heat”, they say.
“Collateral” is by another director than “Heat” is.
“Heat” was directed by the same man as “Ronin”.
“Heat” has nothing in common with “Collateral”, really.
“Heat”, that thriller of yore, may be next.
Not an action film by any means, “Heat” may be next.
None of the films that you know is a thriller; give “Heat” a go.
You've loved three thrillers so far, so try “Heat”.
“Ronin” left you cold, so how about “Heat”?
Since you saw “Heat”, you've been waiting for more of “Heat”.
“Heat” is the sequel to “Ronin” that you've waited for.
Tell your friends who loved “Ronin” that your friends loved “Ronin” first; “Heat” is next.
All the world says that hardly anybody here likes “Heat”, and you loved “Heat”.
"""


@pytest.mark.parametrize("text", SO.strip().splitlines())
def test_what_is_so_is_not_contradicted(text: str) -> None:
    assert check(text, FACTS, "factual").passed, check(text, FACTS, "factual").failures()


@pytest.mark.parametrize("text", NOT_SO.strip().splitlines())
def test_what_is_not_so_is(text: str) -> None:
    assert not check(text, FACTS, "factual").passed


def test_a_cause_is_contradicted_where_there_is_none() -> None:
    text = "It's because you loved “Ronin” that we thought of “Heat” at all."
    assert check(text, FACTS, "factual").passed
    assert not check(text, RECENT, "factual").passed


def test_a_text_of_any_length_is_read_in_time_that_grows_with_it_alone() -> None:
    text = "you loved “Ronin” and " * 2_000 + "“Heat”."
    assert not check(text, FACTS).passed
