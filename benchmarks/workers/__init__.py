"""
One script for each contestant: it runs in the contestant's own environment and prints one line of JSON.

They are started as files (``python benchmarks/workers/stream_floor.py …``), so they import nothing of the
benchmarks but ``meter``, which lies beside them and needs the standard library alone.
"""
