"""
The pure core: decisions without sockets, clocks, threads or randomness of its own.

Shells do the I/O: `_async/http.py` for calls, `_runs/` for streams. It has two wings, each with its own
reading order in its docstring:

    call/               one call of the REST API, from its arguments to its result or its error
    stream/             one run of a stream

And for both:
    backoff.py          how long to wait before the next try
    inflate.py          compressed bytes → bytes, a bounded piece at a time
    redaction.py        what is kept out of logs and errors
    sharing.py          which subscriptions a worker takes and gives up
    subscriptions.py    what is put into subscriptions before they are sent
    version.py          the version, for the user agent
    visible.py          what a terminal would obey, shown instead
    whose_key.py        the subscriber that an API key belongs to
    words.py            words that messages share
"""
