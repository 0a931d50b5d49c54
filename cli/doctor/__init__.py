"""``ksef-courier doctor``: is everything that the workers need there, and as they need it?

Invariant: it changes nothing. It reads, and it logs in to KSeF; the tokens of that login end with it. No
finding shows a secret. One part that hangs or fails hides none of the others.
"""
