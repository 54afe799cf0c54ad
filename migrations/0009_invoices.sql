-- Invoices with their lines, and the seller and customer of issued invoices.
--
-- Amounts are in minor units of the currency (cents), unless the name of a column contains another unit.
-- The service computes all totals, and the checks refuse impossible totals.
-- No amount exceeds 9007199254740991, the largest integer that JavaScript clients read exactly.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table invoices (
    id uuid primary key,
    owner_id uuid not null,
    customer_id uuid not null,
    status text not null constraint invoices_status_known
        check (status in ('draft', 'issued', 'partially_paid', 'paid', 'credited', 'void')),
    -- Only assign_invoice_number() writes the number and issue_date.
    number text constraint invoices_number_form check (number ~ '^INV-[0-9]{4}-[0-9]{4,}$'),
    currency text not null constraint invoices_currency_form check (currency ~ '^[A-Z]{3}$'),
    notes text constraint invoices_notes_length check (char_length(notes) <= 2000),
    issue_date date,
    due_date date,
    -- Either a rate in thousandths of a percent, or an amount.
    discount_rate_millipercent integer,
    discount_amount bigint,
    subtotal bigint not null,
    discount_total bigint not null,
    tax_total bigint not null,
    total bigint not null,
    paid bigint not null default 0,
    -- The sum of the credit notes.
    credited bigint not null default 0 constraint invoices_credited check (credited between 0 and total),
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Lists sort by these columns. An invoice without a date sorts after all others.
    -- The columns are stored, because PostgreSQL would not use an index on the expression coalesce(…).
    -- Under row-level security, it uses an index only for leakproof expressions, and coalesce() is not leakproof.
    issue_order date not null generated always as (coalesce(issue_date, 'infinity')) stored,
    due_order date not null generated always as (coalesce(due_date, 'infinity')) stored,
    constraint invoices_owner_id_id unique (owner_id, id),
    constraint invoices_number_unique unique (owner_id, number),
    constraint invoices_customer foreign key (owner_id, customer_id) references customers (owner_id, id),
    constraint invoices_amounts check (
        subtotal >= 0 and discount_total between 0 and subtotal and tax_total >= 0
        and total = subtotal - discount_total + tax_total and total <= 9007199254740991
        and paid between 0 and total
    ),
    constraint invoices_discount check (
        num_nonnulls(discount_rate_millipercent, discount_amount) <= 1
        and discount_rate_millipercent between 0 and 100000 and discount_amount >= 0
    ),
    constraint invoices_due_after_issue check (due_date >= issue_date),
    constraint invoices_numbered_when_issued check ((number is null) = (issue_date is null))
);
-- One index for each column by which the list can be sorted, in both directions.
create index invoices_newest on invoices (owner_id, created_at desc, id desc);
create index invoices_by_issue_date on invoices (owner_id, issue_order, created_at, id);
create index invoices_by_due_date on invoices (owner_id, due_order, created_at, id);
create index invoices_by_total on invoices (owner_id, total, created_at, id);
create index invoices_of_customer on invoices (owner_id, customer_id, created_at, id);
-- A customer has one owner. Without this statistic, PostgreSQL expects fewer invoices of a customer than there are, and
-- sorts all invoices of the customer for each page.
create statistics invoices_owner_of_customer (dependencies) on owner_id, customer_id from invoices;
select protect_owned_table('invoices', 'invoice');
grant select, delete on invoices to strongroom_app;
-- Without number and issue_date, which only assign_invoice_number() may assign.
grant insert (
    id, owner_id, customer_id, status, currency, notes, due_date, discount_rate_millipercent, discount_amount, subtotal,
    discount_total, tax_total, total, created_at, updated_at
) on invoices to strongroom_app;
grant update (
    customer_id, status, currency, notes, due_date, discount_rate_millipercent, discount_amount, subtotal, discount_total,
    tax_total, total, paid, credited, version, updated_at
) on invoices to strongroom_app;

create table invoice_lines (
    owner_id uuid not null,
    invoice_id uuid not null,
    position integer not null constraint invoice_lines_position check (position between 1 and 100),
    description text not null
        constraint invoice_lines_description_length check (char_length(description) between 1 and 500),
    -- In thousandths, because a quantity has up to three decimals.
    quantity_thousandths bigint not null
        constraint invoice_lines_quantity check (quantity_thousandths > 0),
    -- In ten-thousandths of a minor unit, because a price can be more precise than the currency (0.1648 euros).
    unit_price_ten_thousandths bigint not null
        constraint invoice_lines_unit_price check (unit_price_ten_thousandths between 0 and 999999999999999999),
    -- Either a rate in thousandths of a percent, or an amount.
    discount_rate_millipercent integer,
    discount_amount bigint,
    -- In thousandths of a percent, for example 8875 for 8.875 %.
    tax_rate_millipercent integer not null
        constraint invoice_lines_tax check (tax_rate_millipercent between 0 and 100000),
    constraint invoice_lines_key primary key (owner_id, invoice_id, position),
    constraint invoice_lines_invoice foreign key (owner_id, invoice_id)
        references invoices (owner_id, id) on delete cascade,
    constraint invoice_lines_discount check (
        num_nonnulls(discount_rate_millipercent, discount_amount) <= 1
        and discount_rate_millipercent between 0 and 100000 and discount_amount >= 0
    )
);
select protect_owned_table('invoice_lines');
grant select, insert, delete on invoice_lines to strongroom_app;

-- Seller and customer of an issued invoice, as they were on the issue date. The service can only read this table.
create table invoice_parties (
    owner_id uuid not null,
    invoice_id uuid not null,
    seller_name text not null,
    seller_email text not null,
    seller_address text,
    seller_country text,
    seller_vat_id text,
    seller_registration text,
    seller_iban text,
    seller_bic text,
    customer_name text not null,
    customer_email text,
    customer_address text,
    customer_tax_id text,
    constraint invoice_parties_key primary key (owner_id, invoice_id),
    constraint invoice_parties_invoice foreign key (owner_id, invoice_id)
        references invoices (owner_id, id) on delete cascade
);
select protect_owned_table('invoice_parties');
grant select on invoice_parties to strongroom_app;

-- Copies seller and customer into invoice_parties. A trigger runs it in the statement that assigns the number.
-- So every invoice with a number has a row in invoice_parties.
create function copy_invoice_parties() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.invoice_parties (owner_id, invoice_id, seller_name, seller_email,
        seller_address, seller_country, seller_vat_id, seller_registration, seller_iban, seller_bic,
        customer_name, customer_email, customer_address, customer_tax_id)
    select new.owner_id, new.id, coalesce(b.name, u.display_name), u.email,
        b.address, b.country, b.vat_id, b.registration, b.iban, b.bic,
        c.name, c.email, c.address, c.tax_id
    from public.customers c
    join public.users u on u.id = c.owner_id
    left join public.businesses b on b.owner_id = c.owner_id
    where c.owner_id = new.owner_id and c.id = new.customer_id;
    return null;
end
$$;
create trigger invoices_copy_parties after update of number on invoices
    for each row when (old.number is null and new.number is not null)
    execute function copy_invoice_parties();

-- Assigns number and issue date to a draft. Returns the number, or null if the draft does not exist.
-- Refuses a date before the date of the owner's last issued invoice, so that numbers increase with dates.
-- SECURITY DEFINER: the service itself has no right to write a number.
-- Forced row-level security still limits the function to the invoices of the current owner.
create function assign_invoice_number(invoice uuid, issued_on date) returns text
language plpgsql security definer set search_path = '' as $$
declare
    issuer uuid := public.current_owner();
    assigned text;
begin
    perform 1 from public.invoices
    where id = invoice and owner_id = issuer and status = 'draft' and number is null
    for update;
    if not found then
        return null;
    end if;
    assigned := public.next_number('INV', issuer, issued_on);
    -- This check must follow next_number(), which locks the counter of the year.
    -- Without the lock, two transactions could both pass the check.
    if exists (
        select from public.number_counters where owner_id = issuer and series = 'INV' and last_date > issued_on
    ) then
        raise exception 'the last invoice was issued on a later date'
            using errcode = 'check_violation', constraint = 'invoices_in_date_order';
    end if;
    update public.invoices set number = assigned, issue_date = issued_on where id = invoice and owner_id = issuer;
    return assigned;
end
$$;
grant execute on function assign_invoice_number(uuid, date) to strongroom_app;
