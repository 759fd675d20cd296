"""HTTP: wire models, small handlers, problem details and the page."""
