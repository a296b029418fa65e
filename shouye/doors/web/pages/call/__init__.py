"""叫应 — who is not awake, for how many seconds, and who is walking to the door."""
