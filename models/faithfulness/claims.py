"""What a check finds: claims, each with a span and an outcome, and the verdict over them."""

from dataclasses import dataclass
from typing import Literal

Policy = Literal["strict", "described", "factual"]
Outcome = Literal["supported", "contradicted", "unverifiable"]
ClaimType = Literal[
    "title", "category", "year", "decade", "attribute", "liking", "count", "relation", "series",
    "popularity", "recency", "role", "negation", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """A checkable statement and where it stands: `text[start:end]`.

    `item_id` is the item it is about, None where that is several or unknown.
    """

    start: int
    end: int
    type: ClaimType
    outcome: Outcome
    item_id: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check under a policy, with every claim in order of the text."""

    policy: Policy
    claims: tuple[Claim, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of any claim: contradicted, then unverifiable, then supported."""
        found = {claim.outcome for claim in self.claims}
        return next((o for o in ("contradicted", "unverifiable") if o in found), "supported")

    @property
    def passed(self) -> bool:
        """Whether the text may be served under the policy."""
        if self.policy == "factual":
            return self.outcome != "contradicted"
        return self.outcome == "supported"

    def failures(self) -> list[Claim]:
        """Return the claims that the policy does not let pass."""
        allowed = {"supported", "unverifiable"} if self.policy == "factual" else {"supported"}
        return [claim for claim in self.claims if claim.outcome not in allowed]
