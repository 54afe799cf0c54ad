// A server with Fastify in two processes. It has validation by JSON schemas, tokens, argon2, and a condition on the
// owner in each query. It has no row-level security, no revocation and no security events.
import cluster from "node:cluster";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import jwt from "@fastify/jwt";
import { verify } from "@node-rs/argon2";
import Fastify from "fastify";
import pg from "pg";

const PROCESSES = 2;

function scaled(text, decimals) {
  const [whole, part = ""] = text.split(".");
  return Number(whole + part.padEnd(decimals, "0"));
}

// Returns a line, from the request body or the database, with its computed amounts.
function line(row) {
  const gross = Math.round((row.quantity_thousandths * row.unit_price_ten_thousandths) / 1e7);
  const tax = Math.round((gross * row.tax_rate_millipercent) / 1e5);
  const plain = { quantity: row.quantity_thousandths / 1e3, unit_price: row.unit_price_ten_thousandths / 1e6 };
  return {
    description: row.description, quantity: `${plain.quantity}`, unit_price: `${plain.unit_price}`,
    tax_rate: `${row.tax_rate_millipercent / 1e3}`, gross, net: gross, tax,
  };
}

const text = (maxLength) => ({ type: "string", minLength: 1, maxLength });
const decimal = { type: "string", pattern: "^[0-9]{1,12}(\\.[0-9]{1,3})?$" };
const DRAFT = {
  type: "object", required: ["customer_id", "currency", "lines"], additionalProperties: false,
  properties: {
    customer_id: { type: "string", format: "uuid" }, currency: { type: "string", pattern: "^[A-Z]{3}$" },
    due_date: { type: "string", format: "date" }, notes: text(2000),
    lines: {
      type: "array", minItems: 1, maxItems: 100,
      items: {
        type: "object", required: ["description", "quantity", "unit_price", "tax_rate"], additionalProperties: false,
        properties: { description: text(500), quantity: decimal, unit_price: decimal, tax_rate: decimal },
      },
    },
  },
};
const LOGIN = {
  type: "object", required: ["email", "password"], properties: { email: text(254), password: text(64) },
};
const PARAMS = { type: "object", properties: { id: { type: "string", format: "uuid" } } };
const SUMMARY = "id, customer_id, status, number, currency, issue_date, due_date, total, paid, credited, created_at, updated_at";

async function serve() {
  // Read 64-bit integers as JavaScript numbers, because all amounts are below 2^53.
  pg.types.setTypeParser(20, Number);
  const pool = new pg.Pool({ max: 16 / PROCESSES });
  // pg prepares a statement once and reuses it only if the statement has a name.
  const query = (name, sql, values, client = pool) => client.query({ name, text: sql, values });
  const app = Fastify({ bodyLimit: 64 * 1024 });
  app.register(jwt, {
    secret: process.env.JWT_KEY,
    sign: { iss: "peers", aud: "peers", expiresIn: "1h" }, verify: { allowedIss: "peers", allowedAud: "peers" },
  });
  const owner = { onRequest: (request) => request.jwtVerify() };

  app.get("/health/ready", async () => "");

  app.post("/api/v1/auth/login", { schema: { body: LOGIN } }, async (request, reply) => {
    const { email, password } = request.body;
    const { rows: [user] } = await query("user", "select id, password_hash from users where email = $1", [email]);
    if (!user || !(await verify(user.password_hash, password))) return reply.code(401).send();
    const secret = randomUUID();
    await query("session", "insert into sessions (id, user_id, token_hash) values ($1, $2, sha256($3))",
      [randomUUID(), user.id, Buffer.from(secret)]);
    return { access_token: app.jwt.sign({ sub: user.id }), refresh_token: secret };
  });

  app.get("/api/v1/invoices", owner, async (request) => {
    const { rows } = await query("list",
      `select ${SUMMARY} from invoices where owner_id = $1 order by created_at desc, id desc limit 21`, [request.user.sub]);
    const items = rows.slice(0, 20);
    return { items, next_cursor: rows.length > 20 ? `${+items[19].created_at}_${items[19].id}` : null };
  });

  app.get("/api/v1/invoices/:id", { ...owner, schema: { params: PARAMS } }, async (request, reply) => {
    const { rows: [invoice] } = await query("one",
      `select i.*, (select coalesce(json_agg(l order by l.position), '[]') from invoice_lines l where l.invoice_id = i.id) as lines
       from invoices i where i.owner_id = $1 and i.id = $2`, [request.user.sub, request.params.id]);
    if (!invoice) return reply.code(404).send();
    return { ...invoice, lines: invoice.lines.map(line) };
  });

  app.post("/api/v1/invoices", { ...owner, schema: { body: DRAFT } }, async (request, reply) => {
    const { customer_id, currency, notes, due_date, lines: given } = request.body;
    const rows = given.map((one) => ({
      description: one.description, quantity_thousandths: scaled(one.quantity, 3),
      unit_price_ten_thousandths: scaled(one.unit_price, 6), tax_rate_millipercent: scaled(one.tax_rate, 3),
    }));
    const lines = rows.map(line);
    const sum = (name) => lines.reduce((total, one) => total + one[name], 0);
    const client = await pool.connect();
    try {
      await client.query("begin");
      const { rows: [invoice] } = await query("insert",
        `insert into invoices (id, owner_id, customer_id, currency, notes, due_date, subtotal, tax_total, total, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), now()) returning *`,
        [randomUUID(), request.user.sub, customer_id, currency, notes, due_date, sum("net"), sum("tax"), sum("net") + sum("tax")], client);
      const column = (name) => rows.map((row) => row[name]);
      await query("lines",
        `insert into invoice_lines (invoice_id, position, description, quantity_thousandths, unit_price_ten_thousandths, tax_rate_millipercent)
         select $1, line.* from unnest($2::integer[], $3::text[], $4::bigint[], $5::bigint[], $6::integer[]) line`,
        [invoice.id, rows.map((_, index) => index + 1), column("description"), column("quantity_thousandths"),
          column("unit_price_ten_thousandths"), column("tax_rate_millipercent")], client);
      await client.query("commit");
      return reply.code(201).send({ ...invoice, lines });
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      client.release();
    }
  });

  app.get("/api/v1/documents/:id/content", { ...owner, schema: { params: PARAMS } }, async (request, reply) => {
    const { rows: [found] } = await query("document",
      "select id, media_type from documents where owner_id = $1 and id = $2", [request.user.sub, request.params.id]);
    if (!found) return reply.code(404).send();
    return reply.type(found.media_type).send(await readFile(`${process.env.DOCUMENTS}/${found.id}`));
  });

  const [host, port] = process.env.BIND.split(":");
  await app.listen({ host, port: Number(port) });
}

if (cluster.isPrimary) {
  for (let count = 0; count < PROCESSES; count += 1) cluster.fork();
  process.on("SIGTERM", () => cluster.disconnect(() => process.exit(0)));
} else {
  await serve();
}
