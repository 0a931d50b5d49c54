"""Real cryptography: the ministry's keys and certificates, bearer tokens, links, decryption, signatures."""
