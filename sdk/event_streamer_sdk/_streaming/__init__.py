"""What the streaming clients share, and what only one of them does: `on_loop`, `on_threads`."""
