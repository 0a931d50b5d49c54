"""The command line: ``ksef-courier``. May import everything; nothing imports it."""
