"""Facts of five worlds with people in roles, and texts of them: true ones, and false, set in.

The films are of whole values (“William Broyles, Jr.” is one writer); the others have names that are
words of the grammar, numbers or lists, and a series that is called like its first title.
"""

from typing import Any

from catalog.facts import Facts


def _facts(
    one: str,
    verb: str,
    item: tuple[str, dict[str, Any]],
    *evidence: tuple[str, str, dict[str, Any]],
) -> Facts:
    known = [
        {"id": str(n), "title": title, "liking": liking, "attributes": attributes}
        for n, (title, liking, attributes) in enumerate(evidence, 2)
    ]
    return Facts.model_validate(
        {
            "noun": {"one": one, "many": f"{one}s"},
            "item": {"id": "1", "title": item[0], "attributes": item[1]},
            "evidence": known,
            "evidence_kind": "contribution",
            "verb": verb,
        }
    )


FACTS = {
    "film": _facts(
        "film",
        "chose",
        (
            "Apollo 13",
            {
                "awards": ["2 Oscars", "Saturn Award"],
                "cast": ["Tom Hanks", "Gary Sinise", "Kevin Bacon"],
                "country": "United States",
                "director": "Ron Howard",
                "language": "English",
                "series": "Space Tales",
                "writers": ["William Broyles, Jr.", "Al Reinert"],
            },
        ),
        (
            "Forrest Gump",
            "loved",
            {
                "awards": "2 Oscars",
                "cast": ["Tom Hanks", "Gary Sinise", "Sally Field"],
                "country": "United States",
                "director": "Robert Zemeckis",
                "language": "English",
                "writer": "Eric Roth",
            },
        ),
        (
            "Willow",
            "liked",
            {
                "awards": "2 Oscars",
                "cast": ["Val Kilmer", "Warwick Davis"],
                "country": "New Zealand",
                "director": "Ron Howard",
                "language": "English",
                "series": "Space Tales",
                "writers": ["Bob Dolman", "George Lucas"],
            },
        ),
    ),
    "book": _facts(
        "book",
        "read",
        (
            "Emma",
            {
                "author": ["Jane Austen", "Will Smith"],
                "illustrator": "The Who",
                "language": "English",
                "narrator": "May",
                "publisher": "Penguin",
            },
        ),
        (
            "Persuasion",
            "loved",
            {"author": "Jane Austen", "narrator": "Juliet Stevenson", "publisher": "Penguin"},
        ),
        ("You", "used", {"author": ["Jane Austen", "Will Smith"], "illustrator": "So"}),
    ),
    "song": _facts(
        "song",
        "chose",
        (
            "Hello",
            {
                "album": "Bookends",
                "artist": ["Simon and Garfunkel", "Earth, Wind & Fire"],
                "composer": "Crosby, Stills, Nash & Young",
                "producer": "50 Cent",
            },
        ),
        (
            "America",
            "loved",
            {"album": "Bookends", "artist": "Simon and Garfunkel", "producer": "U2"},
        ),
        ("Fantasy", "liked", {"artist": "Earth, Wind & Fire", "producer": "blink-182"}),
    ),
    "game": _facts(
        "video game",
        "played",
        (
            "Portal",
            {
                "designer": "Kim Swift",
                "developer": "Valve",
                "platform": ["PC", "Xbox 360"],
                "publisher": ["Valve", "Sierra"],
                "series": "Portal",
            },
        ),
        (
            "Half-Life",
            "used",
            {
                "developer": "Valve",
                "platform": ["PC", "Mac"],
                "publisher": "Sierra",
                "series": "Half-Life",
            },
        ),
        ("Portal 2", "loved", {"developer": "Valve", "platform": "PC", "series": "Portal"}),
    ),
    "restaurant": _facts(
        "restaurant",
        "chose",
        ("Gem", {"chef": "Her", "city": "Rome", "country": "Italy", "cuisine": "Thai"}),
        (
            "Oro",
            "loved",
            {"chef": "Ada Brown", "city": "Paris", "country": "France", "cuisine": "Thai"},
        ),
    ),
}

TEXTS = {
    "film": """
“Apollo 13” is directed by Ron Howard, as is “Willow”, which you liked.
“Apollo 13” has Tom Hanks in its cast, as does “Forrest Gump”, which you loved.
“Apollo 13” has Tom Hanks and Gary Sinise in its cast, as does “Forrest Gump”, which you loved.
“Apollo 13” is in English, as are “Forrest Gump” and “Willow”, both of which you liked.
“Apollo 13” won 2 Oscars, as did “Willow”, which you liked.
“Apollo 13” won 2 Oscars, as did “Willow” and “Forrest Gump”, both of which you liked.
You may like “Apollo 13”, as you liked “Willow”. It is directed by Ron Howard, as is “Willow”.
Try “Apollo 13”, as you loved “Forrest Gump”. It has Tom Hanks in its cast, as does “Forrest Gump”.
Like “Willow”, which you liked, “Apollo 13” is directed by Ron Howard.
Like “Forrest Gump”, which you loved, “Apollo 13” has Tom Hanks in its cast.
“Apollo 13” is directed by Ron Howard, who also directed “Willow”, which you liked.
“Apollo 13” is written by ‘William Broyles, Jr.’ and Al Reinert.
“Apollo 13” is written by William Broyles, Jr. and Al Reinert.
“Apollo 13” is from Ron Howard, the director of “Willow”, which you liked.
From Ron Howard, the director of “Willow”, which you liked: “Apollo 13”.
You liked “Willow”; “Apollo 13” is also directed by Ron Howard.
You liked “Willow”, and Ron Howard also directed “Apollo 13”.
You loved “Forrest Gump”, and “Apollo 13” has Tom Hanks in its cast, too.
Because you liked “Willow”, we suggest “Apollo 13”: both are directed by Ron Howard.
You loved “Forrest Gump”, so try “Apollo 13”: both have Tom Hanks and Gary Sinise in their cast.
You liked “Willow”, so here is “Apollo 13”, also directed by Ron Howard.
You loved “Forrest Gump”, so here is “Apollo 13”, also with Tom Hanks in its cast.
You may also like “Apollo 13”, directed by Ron Howard.
“Apollo 13” won 2 Oscars and the Saturn Award.
“Apollo 13” is from the director of “Willow”, which you liked.
  “Apollo 13” is Tom Hanks.
  “Apollo 13” is from the director of “Forrest Gump”, which you loved.
You liked “Willow”. “Apollo 13” has the same director, Ron Howard.
You liked “Willow”. “Apollo 13” shares its director, Ron Howard.
You liked “Willow”. “Apollo 13” shares a director with it.
You loved “Forrest Gump”. Tom Hanks is in the cast of “Apollo 13”, too.
Tom Hanks is in the cast of “Apollo 13”, as in that of “Forrest Gump”, which you loved.
Tom Hanks and Gary Sinise are in the cast of “Apollo 13”, as in that of “Forrest Gump”.
“Apollo 13”, directed by Ron Howard, is on your list because you liked “Willow”.
“Apollo 13”, with Tom Hanks in its cast, may be for you, because you loved “Forrest Gump”.
“Apollo 13” may suit you: it is directed by Ron Howard.
Here is “Apollo 13”. It is directed by Ron Howard.
Here is “Apollo 13”. It has Tom Hanks, Gary Sinise and Kevin Bacon in its cast.
Here is “Apollo 13”. It is in English.
Here is “Apollo 13”. It won 2 Oscars.
Here is “Apollo 13”. It won the Saturn Award.
Here is “Apollo 13”. It is from the United States.
Here is “Apollo 13”. It is part of the series Space Tales.
Here is “Apollo 13”. Its writers are William Broyles, Jr. and Al Reinert.
You liked “Willow”, so here is “Apollo 13”. Both are directed by Ron Howard.
You loved “Forrest Gump” and liked “Willow”, so here is “Apollo 13”. All three are in English.
You loved “Forrest Gump” and liked “Willow”, so here is “Apollo 13”. All three won 2 Oscars.
You liked “Willow”, so here is “Apollo 13”. Both are part of the series Space Tales.
“Apollo 13” belongs to the same series as “Willow”, which you liked.
“Apollo 13” and “Willow”, which you liked, belong to one series.
“Apollo 13” and “Willow”, which you liked, are of one series.
You loved “Forrest Gump”, so here is “Apollo 13”. Both have Tom Hanks in their cast.
  “Apollo 13” is directed by Ron Howard, as is “Forrest Gump”, which you loved.
  “Apollo 13” has Sally Field in its cast, as does “Forrest Gump”, which you loved.
  “Apollo 13” has Tom Hanks and Sally Field in its cast, as does “Forrest Gump”, which you loved.
  “Apollo 13” has Tom Hanks in its cast, as does “Willow”, which you liked.
  “Apollo 13” is directed by Tom Hanks.
  “Apollo 13” is written by Ron Howard.
  “Apollo 13” has Ron Howard in its cast.
  “Apollo 13” won 3 Oscars.
  “Apollo 13” is directed by Ron Howard and Robert Zemeckis.
  “Apollo 13” is directed by Ron Howard and Ron Howard.
  “Apollo 13” stars Tom Hanks.
  Its writer is Al Reinert. Here is “Apollo 13”.
  You loved “Forrest Gump”, so here is “Apollo 13”, also directed by Ron Howard.
  You loved “Forrest Gump”; “Apollo 13” is also directed by Ron Howard.
  You loved “Forrest Gump”. “Apollo 13” has the same director, Ron Howard.
  You loved “Forrest Gump”, so here is “Apollo 13”. Both are directed by Ron Howard.
  You liked “Willow”, and Robert Zemeckis also directed “Apollo 13”.
  You loved “Forrest Gump”, and Tom Hanks also directed “Apollo 13”.
  “Apollo 13” belongs to the same series as “Forrest Gump”, which you loved.
  “Apollo 13” is from the New Zealand.
  From Robert Zemeckis, the director of “Forrest Gump”, which you loved: “Apollo 13”.
  From Ron Howard, the director of “Forrest Gump”, which you loved: “Apollo 13”.
  Tom Hanks is in the cast of “Apollo 13”, as in that of “Willow”, which you liked.
From the director of “Willow” comes “Apollo 13”.
  From the director of “Forrest Gump” comes “Apollo 13”.
If you loved Tom Hanks in “Forrest Gump”, you may like “Apollo 13”.
  If you loved Sally Field in “Forrest Gump”, you may like “Apollo 13”.
You loved “Forrest Gump”. Tom Hanks also appears in “Apollo 13”.
  You loved “Forrest Gump”. Sally Field also appears in “Apollo 13”.
You liked “Willow”. Another film by Ron Howard: “Apollo 13”.
  You loved “Forrest Gump”. Another film by Ron Howard: “Apollo 13”.
You loved “Forrest Gump”. “Apollo 13” reunites you with Tom Hanks and Gary Sinise.
  You liked “Willow”. “Apollo 13” reunites you with Tom Hanks.
You liked “Willow”. “Apollo 13” is another Ron Howard film.
  You liked “Willow”. “Apollo 13” is another Robert Zemeckis film.
Ron Howard, who directed “Willow”, also directed “Apollo 13”.
  Ron Howard, who directed “Forrest Gump”, also directed “Apollo 13”.
Ron Howard, the director of “Willow”, also directed “Apollo 13”.
  Robert Zemeckis, the director of “Forrest Gump”, also directed “Apollo 13”.
Like “Willow”, “Apollo 13” was directed by Ron Howard.
  Like “Forrest Gump”, “Apollo 13” was directed by Ron Howard.
“Apollo 13” features Tom Hanks, who also appears in “Forrest Gump”, which you loved.
  “Apollo 13” features Kevin Bacon, who also appears in “Forrest Gump”, which you loved.
The director of “Willow” also directed “Apollo 13”.
  The director of “Forrest Gump” also directed “Apollo 13”.
You loved “Forrest Gump”, so try “Apollo 13”: both films feature Tom Hanks.
  You loved “Forrest Gump”, so try “Apollo 13”: both films feature Kevin Bacon.
“Apollo 13” and “Willow” share a director, Ron Howard.
  “Apollo 13” and “Forrest Gump” share a director, Ron Howard.
“Apollo 13” shares Tom Hanks and Gary Sinise with “Forrest Gump”, which you loved.
  “Apollo 13” shares Tom Hanks and Kevin Bacon with “Forrest Gump”, which you loved.
You loved “Forrest Gump”. Tom Hanks returns in “Apollo 13”.
  You loved “Forrest Gump”. Kevin Bacon returns in “Apollo 13”.
With Tom Hanks and Gary Sinise in its cast, “Apollo 13” may suit you.
  With Tom Hanks and Sally Field in its cast, “Apollo 13” may suit you.
Directed by Ron Howard, “Apollo 13” won 2 Oscars.
  Directed by Robert Zemeckis, “Apollo 13” won 2 Oscars.
If you like Ron Howard, try “Apollo 13”.
  If you like Robert Zemeckis, try “Apollo 13”.
“Apollo 13” was written by Al Reinert and directed by Ron Howard.
  “Apollo 13” was written by Ron Howard and directed by Al Reinert.
“Apollo 13” comes from Ron Howard, who made “Willow”.
  “Apollo 13” comes from Ron Howard, who made “Forrest Gump”.
“Willow” and “Apollo 13” have the same director.
  “Forrest Gump” and “Apollo 13” have the same director.
Tom Hanks is in both “Forrest Gump” and “Apollo 13”.
  Tom Hanks is in both “Willow” and “Apollo 13”.
Ron Howard directed both “Willow” and “Apollo 13”.
  Ron Howard directed both “Forrest Gump” and “Apollo 13”.
Here is “Apollo 13”. Its cast includes Tom Hanks.
  Here is “Apollo 13”. Its cast includes Sally Field.
You loved “Forrest Gump”, and Tom Hanks is in “Apollo 13” as well.
  You loved “Forrest Gump”, and Kevin Bacon is in “Apollo 13” as well.
In “Apollo 13”, you will see Tom Hanks again. You loved “Forrest Gump”.
  In “Apollo 13”, you will see Sally Field again. You loved “Forrest Gump”.
Fans of Ron Howard may like “Apollo 13”.
  Fans of Robert Zemeckis may like “Apollo 13”.
A winner of 2 Oscars, “Apollo 13” may suit you.
  A winner of 3 Oscars, “Apollo 13” may suit you.
You may like “Apollo 13”, the Ron Howard film.
  You may like “Apollo 13”, the Tom Hanks biography.
“Apollo 13” is a film that Ron Howard directed.
  “Apollo 13” is a film that Tom Hanks directed.
Because you liked “Willow” by Ron Howard, you may enjoy “Apollo 13”, also by Ron Howard.
  Because you liked “Willow” by George Lucas, you may enjoy “Apollo 13”, also by Ron Howard.
""",
    "book": """
“Emma” is by Jane Austen, as is “Persuasion”, which you loved.
“Emma” is by Jane Austen and Will Smith, as is “You”, which you read.
“Emma” is narrated by May.
“Emma” is narrated by ‘May’.
“Emma” is illustrated by The Who.
“Emma” is by Jane Austen and Will Smith, who also wrote “You”, which you read.
You read “You”. “Emma” has the same authors, Jane Austen and Will Smith.
You loved “Persuasion”, and Jane Austen also wrote “Emma”.
“Emma” is written by Jane Austen and Will Smith.
From Jane Austen and Will Smith, the authors of “You”, which you read: “Emma”.
“Emma”, by Jane Austen and Will Smith, is on your list because you loved “Persuasion”.
“Emma” is published by Penguin, as is “Persuasion”, which you loved.
You loved “Persuasion”. “Emma” shares an author, Jane Austen, with it.
  “Emma” is by May.
  “Emma” is by The Who.
  “Emma” is by Penguin.
  “Emma” is by Juliet Stevenson.
  “Emma” is narrated by Juliet Stevenson.
  “Emma” is illustrated by So.
  “Emma” is by Jane Austen and Will Smith, as is “Persuasion”, which you loved.
  You loved “Persuasion”. “Emma” has the same author, Jane Austen.
  “Emma” is directed by Jane Austen.
  “Emma” has Jane Austen in its cast.
  Its author is Jane Austen. Here is “Emma”.
  You loved “You”. Here is “Emma”.
""",
    "song": """
“Hello” is by Simon and Garfunkel, as is “America”, which you loved.
“Hello” is by Simon and Garfunkel and Earth, Wind & Fire.
“Hello” is by ‘Simon and Garfunkel’ and ‘Earth, Wind & Fire’.
“Hello” is by Earth, Wind & Fire, who also recorded “Fantasy”, which you liked.
“Hello” is from the album Bookends, as is “America”, which you loved.
“Hello” is produced by 50 Cent.
“Hello” is produced by ‘50 Cent’.
“Hello” is composed by Crosby, Stills, Nash & Young.
You loved “America”; “Hello” is also by Simon and Garfunkel.
You loved “America”, so here is “Hello”, also by Simon and Garfunkel.
You loved “America”, so here is “Hello”: both are by Simon and Garfunkel.
You loved “America”, so here is “Hello”: both are from the album Bookends.
Another song by Earth, Wind & Fire is “Hello”. You liked “Fantasy”.
“Hello” has the same album as “America”: Bookends.
  “Hello” is by 50 Cent.
  “Hello” is by U2.
  “Hello” is produced by U2.
  “Hello” is by Simon and Garfunkel and U2.
  “Hello” is from the album Simon and Garfunkel.
  You loved “America”. “Hello” has the same artist, Simon and Garfunkel.
  You loved “America” and liked “Fantasy”, so here is “Hello”. All three are by Simon and Garfunkel.
  You liked “Fantasy”; “Hello” is also by Simon and Garfunkel.
  “Hello” is by Simon.
  “Hello” is by Garfunkel.
""",
    "game": """
“Portal” is developed by Valve, as are “Half-Life” and “Portal 2”.
“Portal” is developed by Valve, as is “Half-Life”, which you played.
“Portal” is developed by Valve, which also developed “Half-Life”, which you played.
“Portal” is published by Sierra, as is “Half-Life”, which you played.
“Portal” is on PC, as is “Portal 2”, which you loved.
“Portal” is on PC and Xbox 360.
“Portal” is part of the series Portal.
“Portal” is part of the series ‘Portal’, as is “Portal 2”, which you loved.
You played “Half-Life” and loved “Portal 2”, so here is “Portal”. All three are developed by Valve.
“Portal” belongs to the same series as “Portal 2”, which you loved.
“Portal” and “Portal 2”, which you loved, belong to one series.
“Portal” is designed by Kim Swift.
You played “Half-Life”, and Valve also developed “Portal”.
“Portal” is part of the ‘Portal’ series.
  “Portal” is developed by Sierra.
  “Portal” is developed by Kim Swift.
  “Portal” is on Mac.
  “Portal” is on PC and Mac.
  “Portal” is part of the series Half-Life.
  “Portal” belongs to the same series as “Half-Life”, which you played.
  “Portal” is published by Valve, as is “Half-Life”, which you played.
  “Portal” is published by Kim Swift.
  You played “Half-Life” and loved “Portal 2”, so here is “Portal”. All three are on Mac.
""",
    "restaurant": """
“Gem” serves Thai cuisine, as does “Oro”, which you loved.
“Gem” is in Rome.
“Gem” is from Italy.
You loved “Oro”. “Gem” serves Thai cuisine, too.
Because you loved “Oro”, we suggest “Gem”: both serve Thai cuisine.
Like “Oro”, which you loved, “Gem” serves Thai cuisine.
You loved “Oro”, so here is “Gem”. Its chef is Her.
  “Gem” serves Rome cuisine.
  “Gem” is in Paris.
  “Gem” is from France.
  “Gem” is in Thai.
  You loved “Oro”, so here is “Gem”. Both are in Rome.
  You loved “Oro”, so here is “Gem”. Its chef is Ada Brown.
  “Gem” won Rome.
""",
}
