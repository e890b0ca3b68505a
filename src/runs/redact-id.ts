import type { Owner } from './record.ts';

/**
 * Tokens by their shape, in an id or a label. Stricter than in a command line: what is hidden there costs a glance, and here an id is what a
 * run is found by. So a digit and some length are asked for: `sk-learn-models` is a label.
 */
const TOKENS: readonly RegExp[] = [
  /(?<![A-Za-z0-9])(?:[sr]k[-_]|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|xapp-|npm_|hf_|pypi-|dop_v1_|AKIA|ASIA|AIza|ya29\.)(?=[\w.-]{0,200}\d)[\w.-]{16,}/gu,
  // JWT: three parts in base64.
  /(?<![A-Za-z0-9])eyJ[\w-]{6,}\.[\w-]{4,}\.[\w-]{4,}/gu,
  // user:password@host
  /(?<=:\/\/)[^\s/?#"'@]*:[^\s/?#"'@]+(?=@)/gu,
];

/** Labels whose value is a secret by their name, and by nothing less: `key=value` is a label like any other. */
const SECRET_LABEL = /(?:token|secret|password|passwd|passphrase|apikey|accesskey|secretkey|privatekey|credentials?)$/u;

/**
 * An id of whoever started a run, fit to be stored and shown. A secret in it is replaced by a mark that differs from secret to secret: so
 * the runs of two stay apart, and a scope that names the secret is answered all the same.
 */
export function redactId(value: string): string {
  return TOKENS.reduce((rest, pattern) => rest.replaceAll(pattern, markOf), value);
}

/** The value of a label, the same way; the whole of it where the label's name says that it is a secret. */
export function redactLabel(key: string, value: string): string {
  const isSecret = SECRET_LABEL.test(key.toLowerCase().replaceAll(/[^a-z0-9]/gu, ''));
  return isSecret && value !== '' && !MARK.test(value) ? markOf(value) : redactId(value);
}

export function redactLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, redactLabel(key, value)]));
}

export function redactOwner(owner: Owner): Owner {
  const ids = Object.entries(owner) as [keyof Owner, string | null][];
  return Object.fromEntries(ids.map(([key, id]) => [key, id === null ? null : redactId(id)])) as unknown as Owner;
}

const MARK = /^\[redacted [0-9a-f]{8}\]$/u;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a: 32 bits tell two secrets apart, and tell nobody what a token of 100 bits was (http://www.isthe.com/chongo/tech/comp/fnv/). */
function markOf(secret: string): string {
  let hash = FNV_OFFSET;
  for (let index = 0; index < secret.length; index += 1)
    hash = Math.imul(hash ^ secret.charCodeAt(index), FNV_PRIME) >>> 0;
  return `[redacted ${hash.toString(16).padStart(8, '0')}]`;
}
