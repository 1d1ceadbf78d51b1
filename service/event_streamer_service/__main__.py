"""`python -m event_streamer_service`: the same as `event-streamer serve`."""

from event_streamer_service.commands.serve import main

if __name__ == "__main__":
    main()
