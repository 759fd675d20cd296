"""The pages, and the JSON API behind them: what is asked of the store, and how it is shown."""
