-- Customers, and the search key by which the API finds customers.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- A search ignores the case of letters, in all alphabets, and the normalization form of Unicode (definition D145).
-- lower() and ILIKE are not enough: the database has the locale C, in which they convert only the letters A to Z.
--
-- lower() followed by upper() replaces the final sigma, the long s and the Kelvin sign with the usual letters.
-- The Turkish İ, i, I and ı count as one letter, because the language of a name is unknown.
--
-- The function uses a collation of ICU, in which upper() replaces ß with SS.
-- Without ICU, it uses pg_c_utf8 (PostgreSQL 17 and newer), in which ß and SS stay different.
-- A collation cannot be a parameter, so this block writes the name of the collation into the statement.
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
    -- No index: the section "Search" of docs/decisions.md gives the reason.
    name_key text not null generated always as (search_key(name)) stored,
    email text constraint customers_email_length check (char_length(email) between 3 and 100),
    address text constraint customers_address_length check (char_length(address) <= 500),
    tax_id text constraint customers_tax_id_length check (char_length(tax_id) <= 50),
    default_currency text not null
        constraint customers_currency_form check (default_currency ~ '^[A-Z]{3}$'),
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Foreign keys of other tables refer to (owner_id, id), so that a row refers only to a customer of its own owner.
    constraint customers_owner_id_id unique (owner_id, id)
);
create index customers_newest on customers (owner_id, created_at desc, id desc);
select protect_owned_table('customers', 'customer',
    updatable => '{name, email, address, tax_id, default_currency, version, updated_at}');
