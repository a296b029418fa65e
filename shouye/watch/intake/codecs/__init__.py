"""规约货架 — one format, one file, one constant `CODEC`."""
