"""The pure core: decisions without sockets, clocks, threads or randomness of its own."""
