"""Oracles: whoever writes the texts that a Prism is distilled from, and the texts kept for ever."""
