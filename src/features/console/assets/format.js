/** Texts of amounts, times and sizes. The API has integers in minor units; people read decimals. */

/** Returns the number of decimals of a currency. */
export function decimals(currency) {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;
}

/** Formats an amount in minor units. */
export function money(minor, currency) {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).format(minor / 10 ** decimals(currency));
}

/** Returns the minor units of a typed decimal, or null. It computes with text, because 1.15 * 100 is not 115. */
export function minorUnits(text, currency) {
  const places = decimals(currency);
  const match = /^(\d+)(?:[.,](\d*))?$/.exec(text.trim());
  if (!match || (match[2] ?? '').length > places) return null;
  return Number(match[1] + (match[2] ?? '').padEnd(places, '0'));
}

export function time(iso) {
  return iso ? new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' }) : '–';
}

export function day(iso) {
  return iso ? new Date(`${iso}T00:00:00`).toLocaleDateString('en-GB', { dateStyle: 'medium' }) : '–';
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/** Turns `partially_paid` into `Partially paid`. */
export function words(name) {
  const text = name.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
