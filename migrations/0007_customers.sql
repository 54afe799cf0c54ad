-- Customers, and the key by which a search finds them.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- A search ignores case in every script, and ignores whether text is composed or decomposed (NFC, NFD). The database
-- has the locale C, in which lower() and ILIKE know only the letters A to Z.
--
-- Two texts that differ only in case or in normalization form have the same key (Unicode, definition D145). Applying
-- lower() and then upper() makes the final sigma, the long s and the Kelvin sign equal to their letters, and ß equal to
-- SS. The Turkish İ, i, I and ı count as one letter, because the language of a name is unknown.
--
-- ICU has the full case mapping of Unicode, in which ß becomes SS. PostgreSQL 17 and newer without ICU have pg_c_utf8
-- instead, which maps single letters: ß and SS stay different. A function cannot take the name of a collation as a
-- parameter, so this block creates the function from text.
do $$
declare
    icu_exists boolean := exists (select from pg_catalog.pg_collation where collname = 'und-x-icu');
begin
    execute pg_catalog.format(
        'create function public.search_key(typed text) returns text
         language sql immutable strict parallel safe
         return replace(normalize(upper(lower(normalize(typed, NFD) collate %I)), NFC), %L, %L)',
        case when icu_exists then 'und-x-icu' else 'pg_c_utf8' end, 'İ', 'I');
end
$$;
grant execute on function search_key(text) to strongroom_app;

create table customers (
    id uuid primary key,
    owner_id uuid not null,
    name text not null constraint customers_name_length check (char_length(name) between 1 and 200),
    -- There is no index on this column; docs/decisions.md, "Search", says why.
    name_key text not null generated always as (search_key(name)) stored,
    email text constraint customers_email_length check (char_length(email) between 3 and 100),
    address text constraint customers_address_length check (char_length(address) <= 500),
    tax_id text constraint customers_tax_id_length check (char_length(tax_id) <= 50),
    default_currency text not null
        constraint customers_currency_form check (default_currency ~ '^[A-Z]{3}$'),
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Foreign keys of other tables contain the owner, so that a row can refer only to a customer of the same owner.
    -- PostgreSQL requires this constraint for them.
    constraint customers_owner_id_id unique (owner_id, id)
);
create index customers_newest on customers (owner_id, created_at desc, id desc);
select protect_owned_table('customers', 'customer',
    updatable => '{name, email, address, tax_id, default_currency, version, updated_at}');
