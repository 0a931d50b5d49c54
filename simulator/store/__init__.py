"""What KSeF remembers. `port.Store` is the contract, `memory` and `sqlite` its two forms."""
