-- Documents: files with a title, which may hang on an invoice. Their bytes lie in a store outside of the database, under a random
-- key; what is here decides which bytes there may be. At every moment a key is in `documents`, or in `document_removals`, so no
-- crash leaves bytes that nobody knows:
--   upload: key into `document_removals`, due in a while, and its size off the quota → bytes → key out, document in, one commit;
--   deletion: document out, key into `document_removals`, one commit → bytes.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table documents (
    id uuid primary key,
    owner_id uuid not null constraint documents_owner references users (id) on delete cascade,
    invoice_id uuid,
    title text not null constraint documents_title_length check (char_length(title) between 1 and 200),
    -- As it is offered for saving: cleaned.
    file_name text not null constraint documents_file_name_length check (char_length(file_name) between 1 and 160),
    media_type text not null constraint documents_media_type_known
        check (media_type in ('application/pdf', 'image/png', 'image/jpeg', 'text/csv', 'text/plain')),
    size bigint not null constraint documents_size check (size > 0),
    sha256 bytea not null constraint documents_sha256_size check (octet_length(sha256) = 32),
    -- Names the bytes in the store; never shown.
    storage_key uuid not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint documents_owner_id_id unique (owner_id, id),
    constraint documents_bytes_of_one unique (owner_id, storage_key),
    -- An invoice that goes leaves its documents behind, with their owner.
    constraint documents_invoice foreign key (owner_id, invoice_id)
        references invoices (owner_id, id) on delete set null (invoice_id)
);
create index documents_newest on documents (owner_id, created_at desc, id desc);
create index documents_of_invoice on documents (owner_id, invoice_id, created_at desc, id desc);
alter table documents enable row level security;
alter table documents force row level security;
create policy documents_of_owner on documents
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select, insert, delete on documents to strongroom_app;
-- Not what the file is: only what is said of it.
grant update (invoice_id, title, version, updated_at) on documents to strongroom_app;

-- An upload on its way, with the room that is held for it.
create table document_uploads (
    owner_id uuid not null constraint document_uploads_owner references users (id) on delete cascade,
    storage_key uuid not null,
    bytes bigint not null constraint document_uploads_bytes check (bytes > 0),
    constraint document_uploads_key primary key (owner_id, storage_key)
);
alter table document_uploads enable row level security;
alter table document_uploads force row level security;
create policy document_uploads_of_owner on document_uploads
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select, insert, delete on document_uploads to strongroom_app;

-- What an owner's documents and uploads come to. A row of its own, whose lock makes parallel uploads wait for each other: a sum
-- over the documents would let all of them in that look at the same time.
create table document_usage (
    owner_id uuid not null constraint document_usage_key primary key
        constraint document_usage_owner references users (id) on delete cascade,
    bytes bigint not null constraint document_usage_bytes check (bytes >= 0),
    files integer not null constraint document_usage_files check (files >= 0)
);
alter table document_usage enable row level security;
alter table document_usage force row level security;
create policy document_usage_of_owner on document_usage
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select, insert on document_usage to strongroom_app;
grant update (bytes, files) on document_usage to strongroom_app;

-- Bytes that are to go. It has no row-level security: the sweeper looks for what is due, whoever's it was, and then acts as that
-- user. It outlives the user. A key says nothing, and nothing else is here.
create table document_removals (
    storage_key uuid primary key,
    user_id uuid not null,
    due_at timestamptz not null
);
create index document_removals_due on document_removals (due_at);
grant select, insert, delete on document_removals to strongroom_app;
grant update (due_at) on document_removals to strongroom_app;

-- A document that goes, by whatever hand (also with its owner), gives its bytes up in the same transaction.
create function remove_bytes_of_document() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.document_removals (storage_key, user_id, due_at)
    values (old.storage_key, old.owner_id, pg_catalog.clock_timestamp());
    return null;
end
$$;
create trigger documents_remove_bytes after delete on documents
    for each row execute function remove_bytes_of_document();

-- An invoice's deletion changes the documents that hung on it: whoever read them before must notice.
create function move_version_of_detached() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.version := old.version + 1;
    new.updated_at := pg_catalog.clock_timestamp();
    return new;
end
$$;
create trigger documents_detached before update of invoice_id on documents
    for each row when (old.invoice_id is not null and new.invoice_id is null and old.version = new.version)
    execute function move_version_of_detached();
