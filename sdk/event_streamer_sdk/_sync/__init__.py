# Printed from _async/__init__.py by `make generate`. Change it there, never here.
"""What the clients do, blocking."""
