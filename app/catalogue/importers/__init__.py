"""Documents from files: one module for each format, one rule for what is in a row."""
