"""Asks Prism, the recommender service that explains truthfully: typed, sync and async.

    with Prism("http://localhost:8000") as prism:
        for event in prism.stream("42", k=3):
            print(event["event"], event["data"])

A package and not one file, as only a package can tell type checkers that it is typed (PEP 561).
"""

from prism_client.aio import AsyncPrism
from prism_client.answers import (
    Asked,
    Candidate,
    CheckedClaim,
    Claim,
    Event,
    Evidence,
    Explanation,
    Explanations,
    Kind,
    Order,
    Policy,
    Recommendations,
    RecommendedItem,
    Style,
    Touch,
    Verdict,
)
from prism_client.protocol import PrismError
from prism_client.sync import Prism

__all__ = [
    "Asked",
    "AsyncPrism",
    "Candidate",
    "CheckedClaim",
    "Claim",
    "Event",
    "Evidence",
    "Explanation",
    "Explanations",
    "Kind",
    "Order",
    "Policy",
    "Prism",
    "PrismError",
    "Recommendations",
    "RecommendedItem",
    "Style",
    "Touch",
    "Verdict",
]
