"""报告货架 — one report of a drill = one file offering REPORT."""
