"""时间线 — the night as a person reads it, newest first."""
