"""Wikipedia's search as a topic signal: the HTTP client and the signal."""
