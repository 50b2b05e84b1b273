"""Which article a phrase takes, and which verb a noun, by a table of what people say."""

import pytest

from models.language.articles import article, is_or_are

AN = """
unimportant unidentified uninvited uninteresting unimaginative unintended uninhabited unusual
unknown untitled unarmed unable uneven unopened umbrella umami uncle under urban urge usher utter
utmost upbeat ugly ulterior Uzbek Uber apple action animated anime adventure indie IMAX old Oscar
honest hour hourly heir heiress heirloom honour honorary x-ray X-Men Xbox Xmas F-16 MP3 mp3 NBA
FBI RPG FPS MMO LP EP SUV HBO HDMI SOS R&B S-class A-list e-book i-Pod 8 8-bit 8th 80s 1815 1898
11 11th 18 18th 18-hole 1100 1180 800 8,000 85 11,000 18,500 éclair École Ödipus owl onerous opera
orchestra eerie ear egg ewok island idea iguana NPC NGO MRI HTML R-rated L-shaped N-body aye-aye
85-minute eighteenth-century
"""
A = """
unanimous ukulele unicorn uniform union unique unisex unit united universal unilateral
unidirectional unimodal university user useful usual usable usurper utensil utopian utility Utah
Ukrainian Uruguayan European eulogy euro euphoric ewe one one-off once onesie oui ubiquitous
uranium house horror history historic hotel hero heroic honey Honda western war comedy drama
thriller yellow year yoga UFO UK US USB UN U-boat T-shirt B-movie C-section D-day G-rated J-pop
K-pop V-neck W-2 DVD CD PC TV BBC CEO DJ GPS PlayStation NASA NATO LEGO RAM SIM SWAT FIFA 1 7 10
100 110 118 180 1000 1994 2001 1980s 90s 7-inch 12-part 100th 1,100,000 17 70 xylophone Xerox wood
window quiz Uganda unicycle usury one-player
"""
ARE = """
players pages people seats episodes lenses men children mice glasses scissors trousers feet tracks
graphics lyrics topics words lessons genres actors taxis menus boxes dishes women teeth comics watts
"""
IS = """
lens bus gas status genius chess news series species campus class boss physics mathematics director
canvas atlas iris basis axis price bonus focus business address brand cast length cuisine thesis
"""


@pytest.mark.parametrize("word", AN.split())
def test_an(word: str) -> None:
    assert article(f"{word} thing") == f"an {word} thing"


@pytest.mark.parametrize("word", A.split())
def test_a(word: str) -> None:
    assert article(f"{word} thing") == f"a {word} thing"


@pytest.mark.parametrize("word", ARE.split())
def test_are(word: str) -> None:
    assert is_or_are(word) == "are"


@pytest.mark.parametrize("word", [*IS.split(), "number of players", "one lens", "piece of cakes"])
def test_is(word: str) -> None:
    assert is_or_are(word) == "is"
