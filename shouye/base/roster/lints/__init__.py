"""检查项货架 — one file, one question asked of a city's data; each offers `LINT`."""
