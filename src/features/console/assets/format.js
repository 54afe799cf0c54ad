/** Texts of amounts, times and sizes. The API has integers in minor units; people read decimals. */

/**
 * The currencies that do not have two decimals (ISO 4217). The service uses the same list. Browsers have other numbers
 * for some of these currencies, so `money` always sets the number of decimals.
 */
const DECIMALS = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0,
  XAF: 0, XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3, CLF: 4, UYW: 4,
};

/** Returns the number of decimals of a currency. */
export function decimals(currency) {
  return DECIMALS[currency] ?? 2;
}

/** Formats an amount in minor units. */
export function money(minor, currency) {
  const places = decimals(currency);
  const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
  return new Intl.NumberFormat('en', { style: 'currency', currency, ...digits }).format(minor / 10 ** places);
}

/** Returns the minor units of a typed decimal, or null. Computes with text: in JavaScript, 1.15 * 100 is not 115. */
export function minorUnits(text, currency) {
  const places = decimals(currency);
  const match = /^(\d+)(?:\.(\d*))?$/.exec(text.trim());
  if (!match || (match[2] ?? '').length > places) return null;
  return Number(match[1] + (match[2] ?? '').padEnd(places, '0'));
}

/** Says what to type instead of a comma, if the text has one. A comma before three digits may separate thousands. */
export function commaMessage(text) {
  if (!text.includes(',')) return undefined;
  const isDecimal = /^\d+,\d+$/.test(text.trim()) && !/,\d{3}$/.test(text.trim());
  return isDecimal ? `Use a point: ${text.trim().replace(',', '.')}` : 'Use a point for decimals, and no comma for thousands';
}

/** Formats a date with no-break spaces, so that it stays in one line in a narrow cell. */
function date(instant) {
  return instant.toLocaleDateString('en-GB', { dateStyle: 'medium' }).replaceAll(' ', '\u00a0');
}

/** Formats a time. `timeStyle`: `short`, or `medium` with seconds. */
export function time(iso, timeStyle = 'short') {
  return iso ? `${date(new Date(iso))}, ${new Date(iso).toLocaleTimeString('en-GB', { timeStyle })}` : '–';
}

export function day(iso) {
  return iso ? date(new Date(`${iso}T00:00:00`)) : '–';
}

/** Returns the current day in a time zone, as `YYYY-MM-DD`. If the browser does not know the zone, uses UTC. */
export function today(timeZone) {
  try {
    return new Date().toLocaleDateString('sv', { timeZone });
  } catch {
    return new Date().toISOString().slice(0, 10);
  }
}

/** Returns whether an amount is overdue in the time zone of `business`. Returns false if `business` is not loaded. */
export function isOverdue({ status, total, paid, credited, due_date: due }, business) {
  const isOpen = ['issued', 'partially_paid'].includes(status) && paid + credited < total;
  return isOpen && Boolean(due && business) && due < today(business.time_zone);
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/** Formats seconds with one unit: `45 s`, `3 min`, `2 h`, `5 days`. */
export function duration(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** Turns `partially_paid` into `Partially paid`. */
export function words(name) {
  const text = name.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
