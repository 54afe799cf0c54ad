/** Solves the proof-of-work challenge that login throttling asks for (ALTCHA version 1). */

const BATCH = 500;

async function digest(text) {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Searches for the number whose hash with `salt` is `challenge`. Returns the solution for the field `altcha`.
 * Reports the searched share from 0 to 1.
 */
export async function solve({ algorithm, challenge, maxnumber, salt, signature }, progress = () => {}) {
  for (let start = 0; start <= maxnumber; start += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, maxnumber - start + 1) }, (_, n) => start + n);
    const hashes = await Promise.all(numbers.map((number) => digest(salt + number)));
    const found = hashes.indexOf(challenge);
    if (found >= 0) return btoa(JSON.stringify({ algorithm, challenge, number: start + found, salt, signature }));
    progress(start / maxnumber);
    // Lets the page draw and react.
    await new Promise((resolve) => setTimeout(resolve));
  }
  throw new Error('The challenge has no solution');
}
