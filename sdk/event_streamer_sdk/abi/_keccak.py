"""
Keccak-256, the hash of Ethereum.

It is the original Keccak, whose padding differs from the SHA-3 of `hashlib`; hence pycryptodome.
"""

__all__ = ["keccak256"]


def keccak256(data: bytes) -> bytes:
    """Hash `data` with Keccak-256."""
    # Here, since it takes a fifth of the time of importing the ABI part, and not everybody hashes.
    from Crypto.Hash import keccak

    return keccak.new(digest_bits=256, data=data).digest()
