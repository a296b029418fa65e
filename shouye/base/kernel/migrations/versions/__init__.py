"""库结构的各步 — one file a step, in order."""
