"""What to recommend: rankers, their contributions, and the ranking service."""
