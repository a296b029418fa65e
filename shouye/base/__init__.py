"""基础 — the words, rules, people and records that every other wing stands on."""
