-- Documents without an outcome, for the auditor. By accepted_at, which no step changes: updates stay cheap.
create index document_pending on tracker.document (accepted_at) where outcome = 'pending';
