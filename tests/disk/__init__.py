"""Tests of what is written to disk, and how it is tampered with."""
