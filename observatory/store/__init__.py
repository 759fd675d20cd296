"""The embedded ClickHouse engine, its tables, inserts and retention."""
