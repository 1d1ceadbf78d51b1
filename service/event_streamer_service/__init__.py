"""The local and self-hosted Event Streamer service."""
