"""Benchmarks: one script per question, outside the default suite.

    python -m tests.benchmarks --list
    python -m tests.benchmarks import_time pendulum_mpc --json
    python -m tests.benchmarks --all --write docs/benchmarks.md

A benchmark is a module of this package without a leading underscore. Its docstring opens with the question
and then says, in paragraphs that begin so, `Protocol:`, `Peers:`, `Target:` and `Seeds:`; its `run(settings)`
returns rows (`_rows.Row`).
"""
