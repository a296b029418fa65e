"""测速 — what the engine does beside what else could do it. `make bench` prints every figure with its ratio."""
