"""文件格式货架 — one file format, one file, one constant `FORMAT`."""
