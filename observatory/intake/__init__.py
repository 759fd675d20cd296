"""The OTLP receiver: decodes messages into rows and rows into blocks for the store."""
