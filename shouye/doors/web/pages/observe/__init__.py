"""监测 — what we do not hear, station by station."""
