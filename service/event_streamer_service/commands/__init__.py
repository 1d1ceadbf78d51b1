"""Commands that the service adds to `event-streamer`, by the entry-point group `event_streamer.commands`."""
