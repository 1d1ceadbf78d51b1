# Printed from _async/__init__.py by `make generate`. Change it there, never here.
"""What sends requests, blocking: the port, and the two adapters that fit it."""
