"""通知 — what waits for a signature, what is in force, what was done to it and why."""
