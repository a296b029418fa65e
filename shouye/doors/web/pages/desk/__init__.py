"""值班台 — what is happening, what is owed now, where it is, what we do not hear."""
