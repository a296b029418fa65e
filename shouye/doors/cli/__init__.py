"""命令行 — the commands an operator types; each file is one command, and none of them decides anything."""
