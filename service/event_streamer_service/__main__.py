"""`python -m event_streamer_service`: the same as `event-streamer serve`."""

import sys

from event_streamer_sdk.cli import heed_sigterm
from event_streamer_service.extra import needed_for

if __name__ == "__main__":
    try:
        heed_sigterm()
        try:
            with needed_for("python -m event_streamer_service"):
                from event_streamer_service.commands.serve import main
        except ImportError as missing:
            sys.exit(str(missing))
        main()
    except KeyboardInterrupt:  # while Python loads it
        sys.exit(130)
