"""Services that are observed with the kit."""
