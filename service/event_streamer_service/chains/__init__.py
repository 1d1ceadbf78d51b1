"""Chains: where logs come from, and how they are followed without gap or overlap."""
