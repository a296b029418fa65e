"""应答 — what a person, half asleep, presses on his telephone; no account, one short-lived token."""
