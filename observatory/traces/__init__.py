"""Arithmetic on traces: the tree of spans, the critical path, self times. No I/O."""
