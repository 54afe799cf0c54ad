-- Tax rates of three decimals (8.875 %), unit prices finer than the currency (0.1648 euros), and discounts by rate or by amount, on
-- a line and on the invoice. Totals stay whole minor units.
-- The table is rewritten once; a first release has no large one.
-- squawk-ignore-file renaming-column, changing-column-type, ban-drop-not-null
set local lock_timeout = '5s';
set local statement_timeout = '10min';

alter table invoice_lines drop constraint invoice_lines_discount, drop constraint invoice_lines_tax,
    drop constraint invoice_lines_unit_price;
alter table invoice_lines rename column unit_price to unit_price_ten_thousandths;
alter table invoice_lines rename column discount_basis_points to discount_rate_millipercent;
alter table invoice_lines rename column tax_basis_points to tax_rate_millipercent;
alter table invoice_lines
    alter column discount_rate_millipercent drop not null,
    -- No discount was a rate of 0.
    alter column discount_rate_millipercent type integer using nullif(discount_rate_millipercent, 0) * 10,
    alter column tax_rate_millipercent type integer using tax_rate_millipercent * 10,
    alter column unit_price_ten_thousandths type bigint using unit_price_ten_thousandths * 10000,
    -- Minor units.
    add column discount_amount bigint,
    -- Ten-thousandths of a minor unit. The bound is 14 digits of minor units.
    add constraint invoice_lines_unit_price
        check (unit_price_ten_thousandths between 0 and 999999999999999999),
    add constraint invoice_lines_discount check (
        num_nonnulls(discount_rate_millipercent, discount_amount) <= 1
        and discount_rate_millipercent between 0 and 100000 and discount_amount >= 0
    ),
    -- Thousandths of a percent.
    add constraint invoice_lines_tax check (tax_rate_millipercent between 0 and 100000);

-- The discount on the whole invoice, as it was written: its rate, or its amount.
alter table invoices
    add column discount_rate_millipercent integer,
    add column discount_amount bigint,
    add constraint invoices_discount check (
        num_nonnulls(discount_rate_millipercent, discount_amount) <= 1
        and discount_rate_millipercent between 0 and 100000 and discount_amount >= 0
    );
grant insert (discount_rate_millipercent, discount_amount) on invoices to strongroom_app;
grant update (discount_rate_millipercent, discount_amount) on invoices to strongroom_app;
