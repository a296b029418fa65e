"""监测 — what is measured, and what it means."""
