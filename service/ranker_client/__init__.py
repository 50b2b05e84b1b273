"""Asking the ranking service: in this process, over HTTP, and what to do when it is gone."""
