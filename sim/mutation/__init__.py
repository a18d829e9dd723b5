"""Mutation testing: sources changed one place at a time, and whether a test notices.

``operators`` says what is changed, ``survey`` which tests run which line, ``parts`` draws mutants and chooses
their tests, ``sandbox`` is where a changed tree is tried, in processes that ``forks`` has forked from
``starter``, ``attempt`` tries one, ``campaign`` many, ``equivalents`` knows those that change nothing.
"""
