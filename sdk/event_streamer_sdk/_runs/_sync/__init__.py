# Printed from _async/__init__.py by `make generate`. Change it there, never here.
"""What a run asks of the service and of stores, blocking."""
