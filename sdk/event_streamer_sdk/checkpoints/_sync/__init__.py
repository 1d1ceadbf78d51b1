# Printed from _async/__init__.py by `make generate`. Change it there, never here.
"""Stores of databases, blocking."""
