-- Payments on invoices.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table payments (
    id uuid primary key,
    owner_id uuid not null,
    invoice_id uuid not null,
    -- In minor units of the invoice's currency.
    amount bigint not null constraint payments_amount check (amount between 1 and 9007199254740991),
    paid_on date not null,
    method text not null
        constraint payments_method_known check (method in ('bank_transfer', 'card', 'cash', 'direct_debit', 'other')),
    reference text constraint payments_reference_length check (char_length(reference) between 1 and 140),
    created_at timestamptz not null,
    constraint payments_owner_id_id unique (owner_id, id),
    constraint payments_invoice foreign key (owner_id, invoice_id)
        references invoices (owner_id, id) on delete cascade
);
create index payments_newest on payments (owner_id, invoice_id, created_at desc, id desc);
select protect_owned_table('payments');
-- No right to update or delete, so a recorded payment cannot be changed.
grant select, insert on payments to strongroom_app;
