"""The page: what is asked of the store, and how it is shown."""
