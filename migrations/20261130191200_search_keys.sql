-- Search that ignores case in every script and treats composed and decomposed text (NFC, NFD) alike. The database is made with
-- locale C, under which lower() and ILIKE know the letters A to Z alone.
set local lock_timeout = '5s';
-- The table is written anew.
set local statement_timeout = '10min';

-- Two texts that differ only in case or in normalization form have the same key (Unicode, definition D145). Lower case first, then
-- upper case: this makes the final sigma, the long s and the Kelvin sign equal to their letters, and ß equal to SS. I with and
-- without a dot are one letter here: Turkish pairs İ with i and I with ı, other languages pair I with i, and a name does not tell
-- its language.
--
-- ICU maps case in full. A PostgreSQL 17 or newer that was built without ICU has pg_c_utf8 instead, which maps letter by letter: ß
-- and SS stay different. The name of a collation cannot be a parameter, so the function is made by text.
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

-- Generated, so no statement can store another key. Without an index: see docs/decisions.md, "Search".
-- squawk-ignore adding-field-with-default, adding-required-field
alter table customers add column name_key text not null generated always as (search_key(name)) stored;
