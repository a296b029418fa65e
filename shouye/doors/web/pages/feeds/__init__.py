"""接入 — every source with its state, one source as declared and as heard, the quarantine."""
