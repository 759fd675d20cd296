"""The observatory’s page in a real browser, with the real observatory behind it."""
