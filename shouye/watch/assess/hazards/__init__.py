"""灾种货架 — one hazard, one file, one constant `HAZARD`; its thresholds are a table of the rules room."""
