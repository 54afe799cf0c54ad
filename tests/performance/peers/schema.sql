-- The tables of the peers. They contain the same rows as the tables of the service, but have no row-level security and
-- no triggers.
drop schema if exists peers cascade;
create schema peers;
alter role peers set search_path = peers;

create table peers.users as select id, email, password_hash from public.users;
alter table peers.users add primary key (id), add unique (email);

create table peers.sessions (
    id uuid primary key,
    user_id uuid not null references peers.users (id),
    token_hash bytea not null unique,
    created_at timestamptz not null default now()
);

create table peers.customers as select id, owner_id, name from public.customers;
alter table peers.customers add primary key (id), add unique (owner_id, id);

create table peers.invoices as
    select id, owner_id, customer_id, status, number, currency, notes, issue_date, due_date, subtotal, discount_total,
        tax_total, total, paid, credited, version, created_at, updated_at
    from public.invoices;
alter table peers.invoices add primary key (id), alter paid set default 0, alter credited set default 0, alter version set default 1,
    alter discount_total set default 0, alter status set default 'draft',
    add foreign key (owner_id, customer_id) references peers.customers (owner_id, id);
create index on peers.invoices (owner_id, created_at desc, id desc);

create table peers.invoice_lines as
    select invoice_id, position, description, quantity_thousandths, unit_price_ten_thousandths, tax_rate_millipercent
    from public.invoice_lines;
alter table peers.invoice_lines add primary key (invoice_id, position),
    add foreign key (invoice_id) references peers.invoices (id);

create table peers.documents as select id, owner_id, file_name, media_type, size from public.documents;
alter table peers.documents add primary key (id);

grant usage on schema peers to peers;
grant select, insert on all tables in schema peers to peers;
vacuum analyze;
