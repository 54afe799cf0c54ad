-- Payments on invoices. They are added and never changed: what was paid in error is put right by another invoice.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table payments (
    id uuid primary key,
    owner_id uuid not null constraint payments_owner references users (id) on delete cascade,
    invoice_id uuid not null,
    -- Minor units of the invoice's currency.
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
alter table payments enable row level security;
alter table payments force row level security;
create policy payments_of_owner on payments
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select, insert on payments to strongroom_app;
