"""Wikipedia's search as a topic signal."""
