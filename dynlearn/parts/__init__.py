"""What families are built of: one idea per file; no family is imported here."""
