"""The operations of the API: one table of what exists (`table`), one module of handlers per concern."""
