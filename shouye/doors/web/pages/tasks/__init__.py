"""事项 — everything owed, and what can be done about each from here."""
