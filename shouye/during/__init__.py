"""事中大应急 — warn, wake, command."""
