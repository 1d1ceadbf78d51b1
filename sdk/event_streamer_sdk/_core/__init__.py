"""
The pure core: decisions without sockets, clocks, threads or randomness of its own.

Shells do the I/O: `_http.py` for calls, `_runs/` for streams. Which file decides what, in reading order:

A stream: see `stream/__init__.py`. For both a stream and a call:
    backoff.py          how long to wait before the next try
    inflate.py          compressed bytes → bytes, a bounded piece at a time
    visible.py          what a terminal would obey, shown instead

A call:
    service.py          where a service is, and what every request carries
    rest.py             requests, repetition, redirects, errors
    subscriptions.py    what is put into subscriptions before they are sent
    bodies.py           their bodies, bounded
    dialects.py         answers of the two kinds of service
    redaction.py        what is kept out of logs and errors
    version.py          the version, for the user agent
"""
