"""The admin port: out of band, loopback only, behind its own token. Seeds, looks inside, orders faults."""
