-- For the auditor: the few numbers that are held, of all numbers of ten years; and a document by its id alone.
create index fingerprint_held on validator.fingerprint (changed_at) where state = 'held';
create index document_by_id on validator.document (document_id);
