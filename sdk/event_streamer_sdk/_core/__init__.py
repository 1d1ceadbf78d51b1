"""
The pure core: decisions without sockets, clocks, threads or randomness of its own.

Shells do the I/O: `_http.py` for calls, `_streaming/` for streams. Which file decides what, in reading order:

A stream:
    commands.py         what the core asks of a shell, and what the shell answers
    session.py          one run: what its lanes share, and how it stops; begin here
    reading.py          the read lane: connect, read, back off, connect again
    delivering.py       the deliver lane: messages to handlers, one at a time
    acknowledging.py    the acknowledge lane: ids of committed batches to the service
    watching.py         the watch lane: heartbeats, silence, time limits, the lease

On the way in, for the read lane:
    inflate.py          compressed bytes → bytes, a bounded piece at a time
    lines.py            bytes → blocks of whole lines
    queue.py            what is read and not handled yet, and when to stop reading
    failures.py         what a failed connection means: again, a new token, or the end
    backoff.py          how long to wait before the next try, of a connect and of a call

On the way through, for the deliver lane:
    messages.py         lines → batches and other messages
    badlines.py         lines that can't be read
    confirmations.py    batches held back until they are deep enough
    dedupe.py           events that were handled before
    handlers.py         which functions are called for what
    naming.py           handlers whose event never comes
    attempts.py         their retries, and what happens when those are used up
    storing.py          what is asked of a store, and how long one is waited for
    committing.py       handled → stored → acknowledged, in this order
    progress.py         the committed position, and what is handled but not committed
    acks.py             ids that wait for their acknowledgement
    express.py          all of this for the most frequent kind of batch, in one frame

What users give and get:
    counters.py         what is counted
    options.py          everything that can be chosen for a stream, checked once
    checkpoint.py       what stores and dead letters write down
    notices.py          statuses, gaps, figures and reports
    figures.py          how the figures are put together
    errors.py           what can go wrong with a stream

A call:
    service.py          where a service is, and what every request carries
    rest.py             requests, repetition, redirects, errors
    subscriptions.py    what is put into subscriptions before they are sent
    bodies.py           their bodies, bounded
    dialects.py         answers of the two kinds of service
    redaction.py        what is kept out of logs and errors
    version.py          the version, for the user agent
"""
