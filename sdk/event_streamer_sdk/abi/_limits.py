"""The limits that keep a hostile document or log from costing more than its size."""

import attrs

__all__ = ["DEFAULT_LIMITS", "Limits"]


@attrs.frozen(kw_only=True, cache_hash=True)
class Limits:
    """
    Bounds on what is parsed and on the work of decoding.

    The defaults are far above anything a compiler writes.

    Attributes:
        document_bytes: The size of a document, in bytes.
        tuple_depth: How deep tuples may lie inside each other. With the array dimensions on the way there
            may be twice as many levels.
        array_dimensions: How many `[]` or `[N]` a type may have.
        type_length: The length of a type's text, in characters.
        inputs: How many parameters an event may have, the components of its tuples counted.
        decode_factor: Decoding may read this many times the length of a log's data ...
        decode_allowance: ... and this many bytes more. What a pointer leads to is charged
            before it is read, so data that points at itself again and again ends early.
    """

    document_bytes: int = 16 * 1024 * 1024
    tuple_depth: int = 64
    array_dimensions: int = 16
    type_length: int = 256
    inputs: int = 1024
    decode_factor: int = 32
    decode_allowance: int = 4096


DEFAULT_LIMITS = Limits()
"""What holds where no other limits are given."""
