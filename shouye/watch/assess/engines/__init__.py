"""引擎货架 — one engine, one file, one constant `ENGINE`; all give the same episodes."""
