-- Numbers in date order: the day of issue can be chosen, but never lies before the day of an owner's last issued invoice.
set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- The latest day of issue in that year.
alter table invoice_counters add column last_day date;

-- Owner by owner: row-level security is forced on the schema's owner too, and stays up.
do $$
declare
    one uuid;
begin
    for one in select id from public.owners loop
        perform pg_catalog.set_config('app.owner_id', one::text, true);
        update public.invoice_counters c
        set last_day = (
            select max(i.issue_date) from public.invoices i
            where i.owner_id = one and extract(year from i.issue_date) = c.year
        )
        where c.owner_id = one;
    end loop;
    perform pg_catalog.set_config('app.owner_id', '', true);
end
$$;

-- As before, and refuses a day before the last one. The counter of the year is locked by then, so that two who issue at once
-- cannot both be last. Other years' counters are only read: of two invoices of different years, the numbers are in order anyway.
create or replace function assign_invoice_number(invoice uuid, issued_on date) returns text
language plpgsql security definer set search_path = '' as $$
declare
    counted bigint;
    given text;
    counted_year integer := extract(year from issued_on);
begin
    perform 1 from public.invoices
    where id = invoice and owner_id = public.current_owner() and status = 'draft' and number is null
    for update;
    if not found then
        return null;
    end if;
    insert into public.invoice_counters (owner_id, year, last, last_day)
    values (public.current_owner(), counted_year, 1, issued_on)
    on conflict (owner_id, year) do update
        set last = public.invoice_counters.last + 1,
            last_day = greatest(public.invoice_counters.last_day, excluded.last_day)
    returning last into counted;
    if exists (
        select from public.invoice_counters where owner_id = public.current_owner() and last_day > issued_on
    ) then
        raise exception 'the last invoice was issued on a later day'
            using errcode = 'check_violation', constraint = 'invoices_in_date_order';
    end if;
    -- lpad() would cut a number of more than four digits.
    given := pg_catalog.format('INV-%s-%s', counted_year,
        case when counted < 10000 then pg_catalog.lpad(counted::text, 4, '0') else counted::text end);
    update public.invoices set number = given, issue_date = issued_on
    where id = invoice and owner_id = public.current_owner();
    return given;
end
$$;
