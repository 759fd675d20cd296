"""OTLP in: messages to rows, rows to blocks, blocks to the store."""
