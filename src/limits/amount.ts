/** Micro-dollars in a dollar: money is integers of these from end to end. */
export const MICRO_USD = 1_000_000;

/** Largest amount that is accepted, in dollars: far above any bill, and every micro-dollar below it is an exact JavaScript number. */
export const MAX_USD = 1_000_000_000;

const DECIMAL = /^\$?(\d+)(?:\.(\d+))?$/;

/**
 * Reads dollars as decimal text, exactly: `0.05`, `$20`, `5.000001`. Never through a float.
 * @returns micro-USD; null when it is no such amount, is finer than a micro-dollar, or exceeds {@link MAX_USD}
 */
export function parseUsd(text: string): number | null {
  const match = DECIMAL.exec(text.trim());
  if (match === null) return null;
  const decimals = (match[2] ?? '').replace(/0+$/, '');
  if (decimals.length > 6) return null;
  const microUsd = BigInt(match[1] as string) * BigInt(MICRO_USD) + BigInt(decimals.padEnd(6, '0'));
  return microUsd <= BigInt(MAX_USD) * BigInt(MICRO_USD) ? Number(microUsd) : null;
}

/** `$5.01`, `$0.05`, `$12.345678`: two decimals, more only when they are needed to be exact, as beside a cap. */
export function formatUsd(microUsd: number): string {
  const sign = microUsd < 0 ? '-' : '';
  const digits = String(Math.abs(microUsd)).padStart(7, '0');
  const decimals = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${sign}$${digits.slice(0, -6)}.${decimals}`;
}

/** A cent, in micro-dollars. */
const CENT = MICRO_USD / 100;

/**
 * What something cost, for people: `$12.35`, to the cent, half up; below a cent in full, for it is not nothing. `unknown` when nothing of it
 * has a price, and with ` + ?` when some of it has none.
 */
export function formatCost(cost: { readonly costMicroUsd: number | null; readonly unpricedTokens: number }): string {
  const { costMicroUsd, unpricedTokens } = cost;
  if (costMicroUsd === null) return 'unknown';
  const shown = costMicroUsd < CENT ? costMicroUsd : Math.round(costMicroUsd / CENT) * CENT;
  return unpricedTokens > 0 ? `${formatUsd(shown)} + ?` : formatUsd(shown);
}

/** Dollars as the JSON output gives them. */
export function toUsd(microUsd: number): number {
  return microUsd / MICRO_USD;
}

/** Micro-dollars of what {@link toUsd} gave. */
export function fromUsd(usd: number): number {
  return Math.round(usd * MICRO_USD);
}

const TOKENS = /^(\d[\d_]*)(?:\.(\d{1,6}))?([kM]?)$/;
const TOKEN_UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_000, M: 1_000_000 };

/**
 * Reads a number of tokens: `200000`, `200_000`, `200k`, `1.5M`.
 * @returns a whole number; null when it is none
 */
export function parseTokens(text: string): number | null {
  const match = TOKENS.exec(text.trim());
  if (match === null) return null;
  const whole = (match[1] as string).replaceAll('_', '');
  const tokens = Number(`${whole}.${match[2] ?? '0'}`) * (TOKEN_UNITS[match[3] ?? ''] as number);
  // A product like 1.1 × 1000 is off by a float's last bit: what is meant is whole or nothing.
  const rounded = Math.round(tokens);
  return Number.isSafeInteger(rounded) && Math.abs(tokens - rounded) < 1e-6 ? rounded : null;
}

/** `200,000`. */
export function formatTokens(tokens: number): string {
  return String(tokens).replace(/\B(?=(\d{3})+$)/g, ',');
}
