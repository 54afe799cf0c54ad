-- The counters that give invoices and credit notes their gap-free numbers.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The last number of each owner, series (invoices or credit notes) and year.
-- Owners share no counter, because the numbers would reveal how many invoices other owners issue.
create table number_counters (
    owner_id uuid not null,
    series text not null constraint number_counters_series_known check (series in ('INV', 'CN')),
    year integer not null,
    last bigint not null,
    -- The latest issue date in this series and year.
    last_date date not null,
    constraint number_counters_key primary key (owner_id, series, year)
);
select protect_owned_table('number_counters');

-- Returns the owner's next number, for example INV-2026-0042.
-- The counter row stays locked until the transaction ends, so no two transactions get the same number.
-- A rollback also takes the number back, so the numbers have no gap.
-- Only the SECURITY DEFINER functions that store a number may call this function.
create function next_number(number_series text, number_owner uuid, issued_on date) returns text
language plpgsql set search_path = '' as $$
declare
    issue_year integer := extract(year from issued_on);
    drawn bigint;
begin
    insert into public.number_counters as counter (owner_id, series, year, last, last_date)
    values (number_owner, number_series, issue_year, 1, issued_on)
    on conflict (owner_id, series, year) do update
        set last = counter.last + 1, last_date = greatest(counter.last_date, excluded.last_date)
    returning counter.last into drawn;
    -- A length of 4 would make lpad() cut a number of five digits.
    return pg_catalog.format('%s-%s-%s', number_series, issue_year,
        pg_catalog.lpad(drawn::text, greatest(4, pg_catalog.length(drawn::text)), '0'));
end
$$;
