"""规约货架 — one protocol, one file, one constant `CODEC`; what it reads is in `intake.model`."""
