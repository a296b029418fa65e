"""研判 — one situation: its curve, its thresholds, every finding and every step."""
