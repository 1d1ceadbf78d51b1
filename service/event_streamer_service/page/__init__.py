"""The service's own page: files that a browser loads, and nothing that runs here."""
