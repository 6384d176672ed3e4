"""Mutation: small wrong changes, one at a time, and the tests that have to notice them. Outside the suite.

    python -m tests.mutation --list
    python -m tests.mutation --only forecasting "one key for all runs"
    python -m tests.mutation --write survivors.md

A change is a row of `changes/FOLDER.py`, one file per folder of the package. Each is applied to a copy of the
tree, where the tests that it names run; it survives where they pass. The working tree is never touched.
"""
