"""Engines: whatever writes one text for each of a batch of Facts."""
