"""接入块 — how a city writes down its sources."""
