"""要素字典货架 — what stands inside a protocol's body and what each code means, one constant `ELEMENTS`."""
