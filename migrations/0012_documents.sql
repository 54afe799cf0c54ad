-- Documents: files that a user uploads and can attach to an invoice.
--
-- The bytes are stored outside of the database, under a random storage key.
-- After a crash, no bytes may remain that no row refers to.
-- So each storage key is always in `documents` or in the queue `blob_deletion` of the outbox:
--   * Upload: the service first queues the storage key, due later, and reserves the quota. Then it writes the bytes.
--     Finally, one transaction moves the storage key to `documents`.
--     After a crash, a worker deletes the bytes when they are due.
--   * Deletion: one transaction moves the storage key to the queue. Then a worker deletes the bytes.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table documents (
    id uuid primary key,
    owner_id uuid not null,
    invoice_id uuid,
    title text not null constraint documents_title_length check (char_length(title) between 1 and 200),
    -- The sanitized name. Most file systems allow at most 255 bytes.
    file_name text not null constraint documents_file_name_length check (octet_length(file_name) between 1 and 255),
    media_type text not null constraint documents_media_type_known
        check (media_type in ('application/pdf', 'image/png', 'image/jpeg', 'text/csv', 'text/plain')),
    size bigint not null constraint documents_size check (size > 0),
    sha256 bytea not null constraint documents_sha256_size check (octet_length(sha256) = 32),
    -- The name of the stored file. No response contains it.
    storage_key uuid not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint documents_owner_id_id unique (owner_id, id),
    constraint documents_bytes_of_one unique (owner_id, storage_key),
    -- If the invoice is deleted, the document remains.
    constraint documents_invoice foreign key (owner_id, invoice_id)
        references invoices (owner_id, id) on delete set null (invoice_id)
);
create index documents_newest on documents (owner_id, created_at desc, id desc);
create index documents_of_invoice on documents (owner_id, invoice_id, created_at desc, id desc);
-- The service cannot update name, type, size and hash, because they describe bytes that never change.
select protect_owned_table('documents', 'document', updatable => '{invoice_id, title, version, updated_at}');

-- Uploads in progress, with the bytes of the quota that each has reserved.
create table document_uploads (
    owner_id uuid not null,
    storage_key uuid not null,
    bytes bigint not null constraint document_uploads_bytes check (bytes > 0),
    constraint document_uploads_key primary key (owner_id, storage_key)
);
select protect_owned_table('document_uploads');
grant select, insert, delete on document_uploads to strongroom_app;

-- The total size of an owner's documents and uploads in progress.
-- An upload locks this row, so that parallel uploads cannot all pass the check of the quota (CWE-367).
create table document_usage (
    owner_id uuid not null constraint document_usage_key primary key,
    bytes bigint not null constraint document_usage_bytes check (bytes >= 0),
    files integer not null constraint document_usage_files check (files >= 0)
);
select protect_owned_table('document_usage');
grant select, insert on document_usage to strongroom_app;
grant update (bytes, files) on document_usage to strongroom_app;

-- Queues the bytes of a deleted document for deletion, also if the account is deleted.
create function queue_blob_deletion() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.outbox (id, queue, kind, subject_id, created_at, next_attempt_at)
    select old.storage_key, 'blob_deletion', 'blob', old.owner_id, now, now from pg_catalog.clock_timestamp() as now;
    return null;
end
$$;
create trigger documents_queue_blob_deletion after delete on documents
    for each row execute function queue_blob_deletion();

-- If the invoice of a document is deleted, the document gets a new version, so that a stale ETag is refused.
create function advance_detached_document() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.version := old.version + 1;
    new.updated_at := pg_catalog.clock_timestamp();
    return new;
end
$$;
create trigger documents_detached before update of invoice_id on documents
    for each row when (old.invoice_id is not null and new.invoice_id is null and old.version = new.version)
    execute function advance_detached_document();
