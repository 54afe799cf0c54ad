-- Who billed and who was billed, as they were called on the day of issue: a customer who is renamed later, or a seller, does not
-- change what has been sent.
set local lock_timeout = '5s';
-- Copying what is issued already takes its time.
set local statement_timeout = '10min';

create table invoice_parties (
    owner_id uuid not null constraint invoice_parties_owner references users (id) on delete cascade,
    invoice_id uuid not null,
    seller_name text not null,
    seller_email text not null,
    customer_name text not null,
    customer_email text,
    customer_address text,
    customer_tax_id text,
    constraint invoice_parties_key primary key (owner_id, invoice_id),
    constraint invoice_parties_invoice foreign key (owner_id, invoice_id)
        references invoices (owner_id, id) on delete cascade
);
alter table invoice_parties enable row level security;
alter table invoice_parties force row level security;
create policy invoice_parties_of_owner on invoice_parties
    using (owner_id = current_owner()) with check (owner_id = current_owner());
-- Reading alone: the service can neither write them nor change them.
grant select on invoice_parties to strongroom_app;

-- Keeps them in the statement that gives the number, by whatever hand: no invoice has a number without its parties. Left to the
-- service, it would need the right to write them. It runs with the rights of assign_invoice_number(), which alone may number.
create function keep_invoice_parties() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.invoice_parties (owner_id, invoice_id, seller_name, seller_email,
        customer_name, customer_email, customer_address, customer_tax_id)
    select new.owner_id, new.id, u.display_name, u.email, c.name, c.email, c.address, c.tax_id
    from public.customers c join public.users u on u.id = c.owner_id
    where c.owner_id = new.owner_id and c.id = new.customer_id;
    return null;
end
$$;
-- Before the copy below: it waits for those who issue and keeps others waiting, so that none is numbered in between.
create trigger invoices_keep_parties after update of number on invoices
    for each row when (old.number is null and new.number is not null)
    execute function keep_invoice_parties();

-- What was issued before says what it says today. Owner by owner: row-level security is forced on the schema's owner too, and
-- stays up.
do $$
declare
    one uuid;
begin
    for one in select id from public.users loop
        perform pg_catalog.set_config('app.owner_id', one::text, true);
        insert into public.invoice_parties (owner_id, invoice_id, seller_name, seller_email,
            customer_name, customer_email, customer_address, customer_tax_id)
        select i.owner_id, i.id, u.display_name, u.email, c.name, c.email, c.address, c.tax_id
        from public.invoices i
        join public.customers c on c.owner_id = i.owner_id and c.id = i.customer_id
        join public.users u on u.id = i.owner_id
        where i.owner_id = one and i.number is not null;
    end loop;
    perform pg_catalog.set_config('app.owner_id', '', true);
end
$$;
