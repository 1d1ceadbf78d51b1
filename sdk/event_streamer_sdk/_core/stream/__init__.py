"""
One run of a stream, without I/O: what to read, whom to call, what to store and to acknowledge, and when.

In reading order:
    commands.py         what the core asks of a shell, and what the shell answers
    session.py          one run: what its lanes share, and how it stops; begin here
    lanes.py            builds the lanes, and tells what can be read off them

The four lanes, each an object that owns its state:
    reading.py          connect, read, back off, connect again
    delivering.py       messages to handlers, one at a time
    acknowledging.py    ids of committed batches to the service
    watching.py         heartbeats, silence, time limits, the lease

What several lanes ask, each the one owner of what it tells:
    link.py             the connection: being opened, open, given up, gone
    queue.py            what is read and not handled yet, and when to stop reading
    in_hand.py          the batch that is being handled, since when, and by whom
    committing.py       handled → stored → acknowledged, in this order; the committed position
    notices.py          errors, gaps and statuses on their way to handlers
    lease.py            the lease on a subscription that workers share
    observing.py        what traces and metrics see of the lanes

On the way in, for the read lane:
    lines.py            bytes → blocks of whole lines
    failures.py         what a failure means: again, a new token, or the end

On the way through, for the deliver lane:
    decoding.py         lines → JSON values
    messages.py         values → batches and other messages
    blocks.py           which blocks were delivered
    confirmations.py    batches held back until they are deep enough
    dedupe.py           events that were handled before
    handlers.py         which functions are called for what
    event_names.py      handlers whose event never comes
    handler_errors.py   handlers that raise, and lines that can't be read: again, and then the policy
    storing.py          what is asked of a store, and how long one that is away is waited for
    fast_path.py        all of this for the most frequent kind of batch, in one frame

What users give and get:
    options.py          everything that can be chosen for a stream, checked once
    checkpoint.py       what stores and dead letters write down
    reports.py          statuses, gaps, figures and reports

Where to look: the wait after a 429 is decided in `failures.py` (what it means) and `reading.py` (how long),
that of acknowledgements in `acknowledging.py`; a batch is committed in `committing.py`; a new message type
gets its model in `messages.py` and its branch in `delivering.py`, which the type checker asks for
(`docs/change-the-api.md` lists the rest).

`docs/architecture.md` draws a batch's way, step by step.
"""
