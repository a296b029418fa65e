"""信封货架 — how packets of a protocol stand in bytes: length, check, cipher; one file, one `ENVELOPE`."""
