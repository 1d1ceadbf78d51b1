"""Fixtures for a user's own tests, installed with the package."""
