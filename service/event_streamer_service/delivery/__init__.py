"""Delivery: logs become batches, batches become lines of a stream, acknowledgements become progress."""
