"""渠道货架 — one way to reach a person = one file offering CHANNEL."""
