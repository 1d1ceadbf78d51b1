"""
How a request gets to the service and its response back: one port, and two adapters that mean the same.

    _async/port.py      what an adapter is: `open(request, limits)` → status, headers, chunks, close
    _async/llhttp.py    ours, over sockets; httpx costs some 10 µs for every chunk of a response
    _async/httpx.py     httpx's, for proxies, limits on connections and the user's own client
    _sync/              the same three for threads, printed from `_async/` by `make generate`

Which one is used is decided in `_async/http.py` of the package. What ours is made of:

    http11.py           a request → bytes, bytes → a response, by llhttp; no I/O
    idle.py             the connections that wait for another request
    cookies.py          what services have set
    sockets_on_loop.py, sockets_on_threads.py   one connection, with asyncio and blocking
    connecting.py       a name → a socket, "happy eyeballs"

And for both:

    limits.py           how long a request may take
    errors.py           what an adapter raises; from_httpx.py puts httpx's exceptions into these words
    losses.py           the same → the exceptions of the SDK
    tls.py, proxies.py  what the options and the environment say of the way
    waiting_on_loop.py, waiting_on_threads.py   how the two worlds wait
"""
