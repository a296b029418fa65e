"""门 — the ways in and out: web pages, JSON and the command line. Nothing is decided here."""
