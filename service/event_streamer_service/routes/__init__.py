"""The calls of the service, a module for each tag of the specification, and the admin calls beside it."""
