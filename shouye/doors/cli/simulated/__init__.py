"""造报文货架 — one protocol, one file, one constant `MAKER`."""
