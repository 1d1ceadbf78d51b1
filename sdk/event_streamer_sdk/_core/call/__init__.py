"""
One call of the REST API, from its arguments to its result or its error.

In reading order:

    service.py      where the service is, and the headers that every request carries
    request.py      an operation (the generated half of a call) → the request that makes it
    retry.py        the steps of a call: send, wait after a 429 or a lost connection, send again, or end
    outcome.py      what comes of a request: a response, or none
    redirects.py    which redirects are followed
    result.py       a response of 2xx → the call's result, by the generated models
    compat.py       what services of the other kind call differently, put into our words before that
    errors.py       any other response → the exception for it, `Retry-After` included
    body.py         the body of a response, bounded as it comes and when it is inflated
    by_path.py      any method and path of the user's own → an operation
    hooks.py        what a user's hooks are told of requests and responses

Where to look: `retry.py` decides whether a call is tried again after a 429, and when. Headers that every
request carries are put together in `service.py`, and joined with a call's own in `request.py`.

Nothing here does I/O. `_async/http.py` sends what `retry.exchange` asks for, by one of the transports in
`_transports/`, and gives back what came of it.
"""
