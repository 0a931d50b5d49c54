"""The protocol's vocabulary: numbers, times, error bodies, request fields, statuses. Pure, without state."""
