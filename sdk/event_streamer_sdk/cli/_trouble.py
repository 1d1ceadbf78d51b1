"""What goes wrong with a stream that a command shows: told a line each."""

from collections.abc import Callable

from event_streamer_sdk import Gap, Status, SyncStreamingClient
from event_streamer_sdk.models.streaming import StreamingError
from event_streamer_sdk.streaming_client import StatusKind


def tell_trouble(stream: SyncStreamingClient, remark: Callable[[str], object]) -> None:
    """Tell of lost connections, of errors that the service reports, and of gaps."""
    lost = False

    @stream.on_status
    def tell(status: Status) -> None:
        nonlocal lost
        if status.kind is StatusKind.RECONNECTING and not lost:
            lost = True
            remark(f"The connection is lost, trying again: {status.error or status.reason}")
        elif status.kind is StatusKind.RESUMED and lost:
            lost = False
            remark("Connected again.")

    @stream.on_error
    def tell_error(error: StreamingError) -> None:
        if error.error_code != "CONNECTION_LOST":  # the status tells of that
            remark(f"The service reports {error.error_code}: {error.error_message}")

    @stream.on_gap
    def tell_gap(gap: Gap) -> None:
        remark(gap.message)
