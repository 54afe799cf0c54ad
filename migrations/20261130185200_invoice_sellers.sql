-- The seller of an issued invoice: what the business said on the day of issue stands on the invoice for ever.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table invoice_parties
    add column seller_address text,
    add column seller_country text,
    add column seller_vat_id text,
    add column seller_registration text,
    add column seller_iban text,
    add column seller_bic text;

create or replace function keep_invoice_parties() returns trigger
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
