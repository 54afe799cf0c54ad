-- What lists of invoices are ordered by, with an index for each order (read in both directions), all within one owner.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Without a date is later than any day. Columns, since under row-level security an index serves only what cannot leak, and
-- coalesce() in a condition is not taken for that. The table is written anew, once: a trigger instead would cost each write.
alter table invoices
    -- squawk-ignore adding-field-with-default
    add column issue_order date not null generated always as (coalesce(issue_date, 'infinity')) stored,
    -- squawk-ignore adding-field-with-default
    add column due_order date not null generated always as (coalesce(due_date, 'infinity')) stored;
create index invoices_by_issue_date on invoices (owner_id, issue_order, created_at, id);
create index invoices_by_due_date on invoices (owner_id, due_order, created_at, id);
create index invoices_by_total on invoices (owner_id, total, created_at, id);
