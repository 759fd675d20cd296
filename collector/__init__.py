"""Configuration of the Collector: one file for each backend, and the builder's manifest."""
