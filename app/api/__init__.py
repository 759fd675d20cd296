"""The HTTP interface: handlers, wire models, problem details, limits and the pages."""
