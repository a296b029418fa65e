"""含义 — what the words of a source mean in ours: units, and what a device says of its own values."""
