"""送到货架 — one transport, one file, one constant `CARRIER`; on loopback only."""
