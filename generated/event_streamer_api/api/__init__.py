"""One builder of an `Operation` for each call of the API, in a folder for each of its tags."""
