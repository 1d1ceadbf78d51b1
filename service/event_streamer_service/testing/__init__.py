"""
What exists for tests: a service in a thread, faults on purpose, a journal of what clients did.

The service itself knows nothing of it: it asks its `Observer`, which does nothing unless `Settings.testing`
is on. `pytest_plugin`, beside this package, has the fixtures.
"""
