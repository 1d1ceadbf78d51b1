"""`python -m event_streamer_sdk.cli`: the same as the command `event-streamer`."""

from event_streamer_sdk.cli import main

main()
