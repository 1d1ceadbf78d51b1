"""What the service remembers: subscriptions and their progress, chains, recent block headers."""
