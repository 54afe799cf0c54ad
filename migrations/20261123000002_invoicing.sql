-- What users own. Every table here has `owner_id` and four walls (tests/api/contract/database_walls.rs walks the
-- catalogue and names a table that lacks one):
--   1 and 2 stand in the code: a Caller in each store method, owner_id in each statement;
--   3 row-level security, forced, on `app.owner_id`, which each transaction sets; unset means no rows;
--   4 composite keys: a row can only point at a row of the same owner. Key checks do not see row-level security,
--     so a plain foreign key would tell, by its error, which ids exist.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- '' and not null is what a setting reads as after it was once set locally on the same connection.
create function current_owner() returns uuid
language sql stable parallel safe set search_path = ''
return nullif(current_setting('app.owner_id', true), '')::uuid;
grant execute on function current_owner() to strongroom_app;

create table customers (
    id uuid primary key,
    owner_id uuid not null constraint customers_owner references users (id) on delete cascade,
    name text not null constraint customers_name_length check (char_length(name) between 1 and 200),
    email text constraint customers_email_length check (char_length(email) between 3 and 100),
    address text constraint customers_address_length check (char_length(address) <= 500),
    tax_id text constraint customers_tax_id_length check (char_length(tax_id) <= 50),
    default_currency text not null
        constraint customers_currency_form check (default_currency ~ '^[A-Z]{3}$'),
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- What composite keys point at.
    constraint customers_owner_id_id unique (owner_id, id)
);
create index customers_newest on customers (owner_id, created_at desc, id desc);
alter table customers enable row level security;
alter table customers force row level security;
create policy customers_of_owner on customers
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select, insert, delete on customers to strongroom_app;
grant update (name, email, address, tax_id, default_currency, version, updated_at) on customers to strongroom_app;

create table invoices (
    id uuid primary key,
    owner_id uuid not null constraint invoices_owner references users (id) on delete cascade,
    customer_id uuid not null,
    status text not null constraint invoices_status_known
        check (status in ('draft', 'issued', 'partially_paid', 'paid', 'void')),
    -- Given at issue by assign_invoice_number() and never changed.
    number text constraint invoices_number_form check (number ~ '^INV-[0-9]{4}-[0-9]{4,}$'),
    currency text not null constraint invoices_currency_form check (currency ~ '^[A-Z]{3}$'),
    notes text constraint invoices_notes_length check (char_length(notes) <= 2000),
    issue_date date,
    due_date date,
    -- Minor units of the currency; the service computes them, the checks only refuse nonsense. The upper bound is
    -- the largest integer that a JavaScript client reads exactly.
    subtotal bigint not null,
    discount_total bigint not null,
    tax_total bigint not null,
    total bigint not null,
    paid bigint not null default 0,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint invoices_owner_id_id unique (owner_id, id),
    -- Per owner: a global one would tell how many invoices the others have.
    constraint invoices_number_unique unique (owner_id, number),
    constraint invoices_customer foreign key (owner_id, customer_id) references customers (owner_id, id),
    constraint invoices_amounts check (
        subtotal >= 0 and discount_total between 0 and subtotal and tax_total >= 0
        and total = subtotal - discount_total + tax_total and total <= 9007199254740991
        and paid between 0 and total
    ),
    constraint invoices_due_after_issue check (due_date >= issue_date),
    constraint invoices_numbered_when_issued check ((number is null) = (issue_date is null))
);
create index invoices_newest on invoices (owner_id, created_at desc, id desc);
create index invoices_customer on invoices (owner_id, customer_id);
alter table invoices enable row level security;
alter table invoices force row level security;
create policy invoices_of_owner on invoices
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select, delete on invoices to strongroom_app;
grant insert (
    id, owner_id, customer_id, status, currency, notes, due_date, subtotal, discount_total, tax_total, total,
    created_at, updated_at
) on invoices to strongroom_app;
-- Not owner_id, number, created_at.
grant update (
    customer_id, status, currency, notes, due_date, subtotal, discount_total, tax_total, total, paid, version,
    updated_at
) on invoices to strongroom_app;

create table invoice_lines (
    owner_id uuid not null constraint invoice_lines_owner references users (id) on delete cascade,
    invoice_id uuid not null,
    position integer not null constraint invoice_lines_position check (position between 1 and 100),
    description text not null
        constraint invoice_lines_description_length check (char_length(description) between 1 and 500),
    -- Thousandths: three decimals, exactly.
    quantity_thousandths bigint not null
        constraint invoice_lines_quantity check (quantity_thousandths > 0),
    unit_price bigint not null constraint invoice_lines_unit_price check (unit_price >= 0),
    -- Hundredths of a percent.
    discount_basis_points integer not null
        constraint invoice_lines_discount check (discount_basis_points between 0 and 10000),
    tax_basis_points integer not null
        constraint invoice_lines_tax check (tax_basis_points between 0 and 10000),
    constraint invoice_lines_key primary key (owner_id, invoice_id, position),
    constraint invoice_lines_invoice foreign key (owner_id, invoice_id)
        references invoices (owner_id, id) on delete cascade
);
alter table invoice_lines enable row level security;
alter table invoice_lines force row level security;
create policy invoice_lines_of_owner on invoice_lines
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select, insert, delete on invoice_lines to strongroom_app;

-- The last number given, per owner and year. The service's role can neither read nor write it.
create table invoice_counters (
    owner_id uuid not null constraint invoice_counters_owner references users (id) on delete cascade,
    year integer not null,
    last bigint not null,
    constraint invoice_counters_key primary key (owner_id, year)
);
alter table invoice_counters enable row level security;
alter table invoice_counters force row level security;
create policy invoice_counters_of_owner on invoice_counters
    using (owner_id = current_owner()) with check (owner_id = current_owner());

-- Numbers a draft, once, in the transaction that issues it: no gaps, since a rollback gives the number back, and
-- no two alike, since the counter's row is locked until then. It runs with its owner's rights so that the service
-- cannot write a number by any other way; forced row-level security still holds inside it.
create function assign_invoice_number(invoice uuid, issued_on date) returns text
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
    insert into public.invoice_counters (owner_id, year, last)
    values (public.current_owner(), counted_year, 1)
    on conflict (owner_id, year) do update set last = public.invoice_counters.last + 1
    returning last into counted;
    -- lpad() would cut a number of more than four digits.
    given := pg_catalog.format('INV-%s-%s', counted_year,
        case when counted < 10000 then pg_catalog.lpad(counted::text, 4, '0') else counted::text end);
    update public.invoices set number = given, issue_date = issued_on
    where id = invoice and owner_id = public.current_owner();
    return given;
end
$$;
revoke all on function assign_invoice_number(uuid, date) from public;
grant execute on function assign_invoice_number(uuid, date) to strongroom_app;
