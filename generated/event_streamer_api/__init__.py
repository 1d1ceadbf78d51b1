"""Models and calls of the Event Streamer API, generated from openapi.yaml. Not to be edited."""
