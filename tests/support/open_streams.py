"""Opens streams as the streaming clients do, one helper for both HTTP shells."""

from typing import Any

from event_streamer_api.types import Operation
from support.twins import Twin


class StreamReader:
    """Opens the stream of a client and reads it to its end; keeps the last response."""

    def __init__(self, client: Twin) -> None:
        self._client = client
        self.response: Any = None

    def read(self, operation: Operation[Any], **options: Any) -> bytes:
        """
        Read a stream to its end and close it.

        Args:
            operation: The call.
            **options: Those of `open_stream`.
        """
        http = self._client.client._http
        reading = self._async if self._client.kind == "async" else self._sync
        return bytes(self._client.run(reading(http, operation, options)))

    def _sync(self, http: Any, operation: Operation[Any], options: dict[str, Any]) -> bytes:
        self.response = response = http.open_stream(operation, **options)
        try:
            return b"".join(iter(response.chunk, b""))
        finally:
            response.close()

    async def _async(self, http: Any, operation: Operation[Any], options: dict[str, Any]) -> bytes:
        self.response = response = await http.open_stream(operation, **options)
        body = b""
        try:
            while chunk := await response.chunk():
                body += chunk
            return body
        finally:
            await response.close()
