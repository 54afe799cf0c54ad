/** Functions that several groups of cards use. */

/** Returns text or bytes as base64url without padding. */
export function base64url(data) {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Returns the header and the claims of a JWT. */
export function decode(token) {
  return token.split('.').slice(0, 2).map((part) => JSON.parse(atob(part.replaceAll('-', '+').replaceAll('_', '/'))));
}

/** Returns a JWT that is signed with HMAC-SHA-256. */
export async function sign(header, claims, secret) {
  const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  const bytes = new TextEncoder();
  const key = await crypto.subtle.importKey('raw', bytes.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return `${text}.${base64url(await crypto.subtle.sign('HMAC', key, bytes.encode(text)))}`;
}

/** Returns an invoice that the service accepts. */
export function draft(customer) {
  return { customer_id: customer, currency: 'EUR', lines: [{ description: 'Design', quantity: '1', unit_price: '100.00', tax_rate: '21' }] };
}

/** Returns the parts of a response that an attacker could compare. Omits the request id, which always differs. */
export function comparable({ status, headers, body }) {
  return JSON.stringify([status, Object.keys(headers).sort(), { ...body, request_id: '' }]);
}

/** Returns a verdict if two responses differ, and nothing if an attacker cannot tell them apart. */
export function tellApart(first, second) {
  if (comparable(first) !== comparable(second)) return { held: false, text: 'The two responses differ' };
}

/** Returns the verdict on several requests: each must get the same refusal. */
export function allRefused(replies, status, code) {
  const refused = replies.filter((reply) => reply.status === status && reply.body.code === code).length;
  return { held: refused === replies.length, text: `${refused} of ${replies.length} requests are refused: ${status} ${code}` };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
