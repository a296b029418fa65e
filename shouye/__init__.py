"""守夜 — the night watch of a city: one program for prevention, warning, command and relief."""

__version__ = "0.1.0"
