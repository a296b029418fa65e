"""事后大救灾 — relief, review, drills."""
