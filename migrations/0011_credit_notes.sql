-- Credit notes, which cancel an issued invoice in whole or in part. The invoice itself does not change.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table credit_notes (
    id uuid primary key,
    owner_id uuid not null,
    invoice_id uuid not null,
    -- The trigger number_credit_note() assigns the number.
    number text not null constraint credit_notes_number_form check (number ~ '^CN-[0-9]{4}-[0-9]{4,}$'),
    issue_date date not null,
    reason text constraint credit_notes_reason_length check (char_length(reason) between 1 and 500),
    -- One object for each credited line: position on the invoice, description, tax rate and credited net amount.
    lines jsonb not null constraint credit_notes_lines
        check (jsonb_typeof(lines) = 'array' and jsonb_array_length(lines) between 1 and 100),
    -- The net amount and the tax of each tax rate. They are stored, because they depend on earlier credit notes.
    taxes jsonb not null constraint credit_notes_taxes check (jsonb_typeof(taxes) = 'array'),
    -- In minor units of the invoice's currency.
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
select protect_owned_table('credit_notes', 'credit_note');
-- No right to update or delete, so an issued credit note cannot be changed.
grant select on credit_notes to strongroom_app;
grant insert (
    id, owner_id, invoice_id, issue_date, reason, lines, taxes, net, tax_total, total, created_at
) on credit_notes to strongroom_app;

-- Assigns the number. SECURITY DEFINER: the service itself has no right to write a number.
create function number_credit_note() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    new.number := public.next_number('CN', new.owner_id, new.issue_date);
    return new;
end
$$;
create trigger credit_notes_number before insert on credit_notes for each row execute function number_credit_note();
