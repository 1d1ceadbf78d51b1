"""The Python values that logs decode to, where Python itself has none that fits."""

from typing import Any, ClassVar

from ._keccak import keccak256

__all__ = ["DecodedEvent", "IndexedHash", "StructValue", "checksum_address", "struct_class"]


class StructValue(tuple[Any, ...]):
    """
    A decoded tuple: by position, by name, and as an attribute.

    It equals a plain tuple of the same values.

    Example:
        >>> fees = struct_class(("token0", "token1"))((1, 2))
        >>> fees[0], fees["token1"], fees.token1, fees.to_dict()
        (1, 2, 2, {'token0': 1, 'token1': 2})
    """

    __slots__ = ()
    names: ClassVar[tuple[str, ...]] = ()

    def __getitem__(self, key: Any) -> Any:
        """Get a member by its position (or a slice), or by its name."""
        if isinstance(key, str):
            try:
                return tuple.__getitem__(self, self.names.index(key))
            except ValueError:
                raise KeyError(key) from None
        return tuple.__getitem__(self, key)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no member {name!r}; there are {', '.join(self.names)}") from None

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={value!r}" for name, value in zip(self.names, self, strict=True))
        return f"({members})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild_struct, (self.names, tuple(self)))

    def keys(self) -> tuple[str, ...]:
        """Name the members, in their order; with this, `dict(value)` works."""
        return self.names

    def to_dict(self) -> dict[str, Any]:
        """Turn the struct, and the structs in it, into dicts."""
        return {name: _plain(value) for name, value in zip(self.names, self, strict=True)}


def struct_class(names: tuple[str, ...]) -> type[StructValue]:
    """
    Make the class of the values of one tuple type.

    Args:
        names: The names of its members, all different.

    Returns:
        The class; call it with one iterable of the members' values.
    """
    return type("StructValue", (StructValue,), {"__slots__": (), "names": names})


def _rebuild_struct(names: tuple[str, ...], values: tuple[Any, ...]) -> StructValue:
    """Make a struct again from its pickle."""
    return struct_class(names)(values)


def _plain(value: Any) -> Any:
    """Turn structs into dicts, at any depth."""
    if isinstance(value, StructValue):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


class IndexedHash(bytes):
    """
    What a log holds of an indexed string, bytes, array or tuple: the keccak-256 of the value, not the value.

    Solidity's ABI specification, "Encoding of Indexed Event Parameters".

    Attributes:
        type: The canonical type of the value that was hashed, such as `string`.
    """

    type: str

    def __new__(cls, digest: bytes, type: str) -> "IndexedHash":  # noqa: A002 - the ABI's own word for it
        """Make the hash of a value of a type from its 32 bytes."""
        self = super().__new__(cls, digest)
        self.type = type
        return self

    def __repr__(self) -> str:
        return f"IndexedHash('0x{self.hex()}', type={self.type!r})"

    def __str__(self) -> str:
        return f"0x{self.hex()}"

    def __getnewargs__(self) -> tuple[bytes, str]:  # type: ignore[override]  # one argument more than bytes
        return bytes(self), self.type


class DecodedEvent(dict[str, Any]):
    """
    The values of a log by the names of the event's parameters, in their order.

    An unnamed parameter is called `arg` and its position, one whose name repeats gets `_` appended; all of
    them are at hand by position too, in `args`.

    Attributes:
        trailing_bytes: How many bytes of the log's data lie behind what the event needs.
        dirty: The parameters whose padding holds something, of a decoder that isn't strict.
    """

    trailing_bytes: int = 0
    dirty: tuple[str, ...] = ()

    @property
    def args(self) -> tuple[Any, ...]:
        """The values by the position of their parameters."""
        return tuple(self.values())


def checksum_address(address: str) -> str:
    """
    Write an address with the checksum of EIP-55: in mixed case.

    Args:
        address: The address, as 0x and 40 lower-case hex digits.

    Returns:
        The same address, its letters in upper case where its hash has a digit of 8 or more.
    """
    digits = address[2:]
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        letter.upper() if weight >= "8" else letter for letter, weight in zip(digits, digest, strict=False)
    )
