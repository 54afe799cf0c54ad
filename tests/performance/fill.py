"""Fills the database: owners with a hundred customers each, and invoices with three lines each.

PostgreSQL generates the rows, and one COPY for each table loads them. Ids are computed from names, so that the
measuring scripts can compute them too. They measure the requests of the first owner.
"""

import hashlib
import subprocess
import uuid

PASSWORD = "seven quiet green lanterns"
PASSWORD_HASH = "$argon2id$v=19$m=19456,t=2,p=1$RVgaIgWiZ5JStHq1F1c4rg$uXISaLQcLJMeaEKjIFJ5LwDSMtlaBaTqPDk+Gf+iMmA"
CUSTOMERS = 100
LINES = 3


def identity(name):
    """Computes an id from a name: a UUID of version 4. `SQL_ID` computes the same id in SQL."""
    digits = hashlib.md5(name.encode()).hexdigest()
    return str(uuid.UUID(f"{digits[:12]}4{digits[13:16]}8{digits[17:]}"))


SQL_ID = """create function pg_temp.identity(name text) returns uuid language sql immutable
    return overlay(overlay(md5(name) placing '4' from 13) placing '8' from 17)::uuid;
"""


def tables(counts):
    """Returns for each table the query that generates its rows. The tax is 20 % of multiples of five, so no amount needs rounding."""
    owned = f"unnest(array{list(counts)}) with ordinality as owned (invoices, place)"
    owners = f"{owned}, lateral (select 'owner' || place - 1 as o) owner"
    numbers = f"{owners}, generate_series(1, invoices) n"
    own, invoice = "pg_temp.identity(o)", "pg_temp.identity(o || ' invoice' || n)"
    customer = "pg_temp.identity(o || ' customer' || {})".format
    created = "timestamptz '2025-01-01' + n * interval '20 seconds'"
    day, number = f"({created})::date", "lpad(n::text, greatest(4, length(n::text)), '0')"
    total, is_issued = "18 * (n % 1000) + 36", "n % 10 > 0"
    return {
        "owners (id)": f"select {own} from {owners}",
        "users (id, email, display_name, password_hash, created_at, updated_at)": f"""
            select {own}, o || '@example.com', 'Owner', '{PASSWORD_HASH}', now(), now() from {owners}""",
        "customers (id, owner_id, name, default_currency, created_at, updated_at)": f"""
            select {customer("n")}, {own}, 'Customer ' || n, 'EUR', now(), now()
            from {owners}, generate_series(1, {CUSTOMERS}) n""",
        """invoices (id, owner_id, customer_id, status, number, currency, issue_date, due_date, subtotal,
            discount_total, tax_total, total, paid, created_at, updated_at)""": f"""
            select {invoice}, {own}, {customer(f"1 + n % {CUSTOMERS}")},
                case n % 10 when 0 then 'draft' when 1 then 'issued' else 'paid' end,
                case when {is_issued} then 'INV-' || extract(year from {day}) || '-' || {number} end, 'EUR',
                case when {is_issued} then {day} end, {day} + 14, 15 * (n % 1000) + 30,
                0, 3 * (n % 1000) + 6, {total}, case when n % 10 > 1 then {total} else 0 end, {created}, {created}
            from {numbers}""",
        """invoice_lines (owner_id, invoice_id, position, description, quantity_thousandths,
            unit_price_ten_thousandths, tax_rate_millipercent)""": f"""
            select {own}, {invoice}, line, 'Consulting, part ' || line, 1000, 50000 * (n % 1000 + line), 20000
            from {numbers}, generate_series(1, {LINES}) line""",
        "invoice_parties (owner_id, invoice_id, seller_name, seller_email, customer_name)": """
            select pg_temp.identity('owner0'), pg_temp.identity('owner0 invoice77'),
                'Owner', 'owner@example.com', 'C'""",
    }


def load(database, table, query):
    """Copies the rows of a query into a table. To save time, triggers and foreign keys are disabled: the rows are known to be correct."""
    source = subprocess.Popen(database.psql("-c", SQL_ID, "-c", f"copy ({query}) to stdout"), stdout=subprocess.PIPE)
    replica = ["-c", "set session_replication_role = replica", "-c", f"copy {table} from stdin"]
    subprocess.run(database.psql(*replica), stdin=source.stdout, check=True)
    if source.wait() != 0:
        raise RuntimeError(table)


def fill(database, counts):
    """Creates one owner for each entry of `counts`. The entry is the number of the owner's invoices. All owners have the same password."""
    for table, query in tables(counts).items():
        load(database, table, query)
    database.run("vacuum analyze")
