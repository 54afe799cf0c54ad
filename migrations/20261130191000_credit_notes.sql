-- Credit notes: they take back what was invoiced, in full or by lines. An issued invoice is never changed and never deleted.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table credit_notes (
    id uuid primary key,
    owner_id uuid not null constraint credit_notes_owner references owners (id) on delete cascade,
    invoice_id uuid not null,
    -- Given by number_credit_note().
    number text not null constraint credit_notes_number_form check (number ~ '^CN-[0-9]{4}-[0-9]{4,}$'),
    issue_date date not null,
    reason text constraint credit_notes_reason_length check (char_length(reason) between 1 and 500),
    -- Frozen: which line of the invoice, its description, its tax rate, and the net amount that is credited.
    lines jsonb not null constraint credit_notes_lines
        check (jsonb_typeof(lines) = 'array' and jsonb_array_length(lines) between 1 and 100),
    -- Frozen: net and tax of each rate. The tax depends on the notes before this one.
    taxes jsonb not null constraint credit_notes_taxes check (jsonb_typeof(taxes) = 'array'),
    -- Minor units of the invoice's currency.
    net bigint not null,
    tax_total bigint not null,
    total bigint not null,
    created_at timestamptz not null,
    constraint credit_notes_owner_id_id unique (owner_id, id),
    constraint credit_notes_number_unique unique (owner_id, number),
    constraint credit_notes_invoice foreign key (owner_id, invoice_id)
        references invoices (owner_id, id) on delete cascade,
    constraint credit_notes_amounts check (
        net > 0 and tax_total >= 0 and total = net + tax_total and total <= 9007199254740991
    )
);
create index credit_notes_newest on credit_notes (owner_id, created_at desc, id desc);
create index credit_notes_of_invoice on credit_notes (owner_id, invoice_id, created_at desc, id desc);
alter table credit_notes enable row level security;
alter table credit_notes force row level security;
create policy credit_notes_of_owner on credit_notes
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select on credit_notes to strongroom_app;
-- Not the number. And no update or delete: a credit note stands.
grant insert (
    id, owner_id, invoice_id, issue_date, reason, lines, taxes, net, tax_total, total, created_at
) on credit_notes to strongroom_app;

-- The last number given, per owner and year. The service's role can neither read nor write it.
create table credit_note_counters (
    owner_id uuid not null constraint credit_note_counters_owner references owners (id) on delete cascade,
    year integer not null,
    last bigint not null,
    constraint credit_note_counters_key primary key (owner_id, year)
);
alter table credit_note_counters enable row level security;
alter table credit_note_counters force row level security;
create policy credit_note_counters_of_owner on credit_note_counters
    using (owner_id = current_owner()) with check (owner_id = current_owner());

-- Numbers each credit note as it is inserted. No gaps, since a rollback gives the number back, and no two alike, since the
-- counter's row is locked until then. It runs with its owner's rights, so that the service cannot choose a number; forced
-- row-level security still holds inside it.
create function number_credit_note() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    counted bigint;
    counted_year integer := extract(year from new.issue_date);
begin
    insert into public.credit_note_counters (owner_id, year, last)
    values (new.owner_id, counted_year, 1)
    on conflict (owner_id, year) do update set last = public.credit_note_counters.last + 1
    returning last into counted;
    -- lpad() would cut a number of more than four digits.
    new.number := pg_catalog.format('CN-%s-%s', counted_year,
        case when counted < 10000 then pg_catalog.lpad(counted::text, 4, '0') else counted::text end);
    return new;
end
$$;
revoke all on function number_credit_note() from public;
create trigger credit_notes_number before insert on credit_notes for each row execute function number_credit_note();

-- What the credit notes of an invoice come to. A service that computes more is refused.
alter table invoices
    add column credited bigint not null default 0,
    add constraint invoices_credited check (credited between 0 and total),
    drop constraint invoices_status_known,
    add constraint invoices_status_known
        check (status in ('draft', 'issued', 'partially_paid', 'paid', 'credited', 'void'));
grant update (credited) on invoices to strongroom_app;

insert into classified_objects (kind, relation, holder) values ('credit_note', 'public.credit_notes', 'owner_id');
grant select (id, owner_id) on credit_notes to strongroom_classifier;
create policy credit_notes_classified on credit_notes for select to strongroom_classifier using (true);

-- As before, with the tables above.
create or replace function purge_deleted_owner(batch integer) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    purged uuid := public.current_owner();
    owned text;
    deleted bigint;
begin
    perform from public.owners where id = purged and deleted_at is not null for update skip locked;
    if not found then
        return false;
    end if;
    foreach owned in array array[
        'idempotency_keys', 'payments', 'credit_notes', 'documents', 'document_uploads', 'document_usage', 'invoice_lines',
        'invoice_parties', 'invoices', 'invoice_counters', 'credit_note_counters', 'customers'
    ] loop
        execute pg_catalog.format(
            'delete from public.%1$I where ctid = any (array(select ctid from public.%1$I where owner_id = $1 limit $2))',
            owned
        ) using purged, batch;
        get diagnostics deleted = row_count;
        if deleted > 0 then
            return true;
        end if;
    end loop;
    -- Rows that a request added meanwhile are deleted with it (cascade).
    delete from public.owners where id = purged;
    return false;
end
$$;
