"""Configuration of the Collector: the backends it can write to, and what it is built from."""
