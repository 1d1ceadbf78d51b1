"""The version, as a constant: to read it from the installed metadata takes longer than to import the SDK."""

__version__ = "1.0.0"
