"""Mutation testing: sources changed one place at a time, and whether a test notices.

``operators`` says what is changed, ``survey`` which tests run which line, ``sandbox`` where a changed tree is
tried, ``campaign`` draws mutants and tries them, ``equivalents`` knows those that change nothing.
"""
