"""
The streaming clients, but for what `_async` and `_sync` print alike.

    base.py                 what both do without I/O: options, figures
    decorators.py           `on_event` and its like
    client_on_loop.py       what only the client for asyncio does: its lock, its signals, awaited handlers
    client_on_threads.py    what only the blocking client does
    typed.py                Python values in place of the stream's text
"""
