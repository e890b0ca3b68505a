/** Words that make a name a secret's, wherever in it they stand: `GITHUB_TOKEN`, `--db-password`, `clientSecret`. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  'token',
  'secret',
  'secrets',
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'pwd',
  'pass',
  'pat',
  'credential',
  'credentials',
  'creds',
  'auth',
  'authorization',
  'authentication',
  'bearer',
  'cookie',
  'cookies',
  'jwt',
  'otp',
  'pin',
  'apikey',
  'accesskey',
  'secretkey',
  'privatekey',
  'sessionkey',
  'signature',
  'sas',
  'dsn',
]);

/** Words that make a name a secret's only as its last: `ANTHROPIC_API_KEY`, but not `KEYBOARD_LAYOUT` or `key-repeat`. */
const SECRET_LAST_WORDS: ReadonlySet<string> = new Set(['key', 'keys']);

/** Endings that make a word a secret's although it is written as one: `PGPASSWORD`, `dbpasswd`, `AUTHTOKEN`, `clientsecret`. */
const GLUED_ENDING =
  /(?:passwords?|passwd|passphrase|passcode|token|secrets?|credentials?|(?:api|auth|access|secret|private|session|shared|master|account|signing|encryption)keys?)$/;

/** Short endings that stand in harmless words as well (`bypass`, `oldpwd`): with what they are glued to. */
const GLUED_SHORT =
  /^(?:db|pg|my|mysql|redis|mongo|sql|ldap|ssh|ftp|smtp|imap|mail|http|proxy|git|svn|user|admin|root|login|key|keystore|store|truststore|basic)(?:pass|pwd|pw|auth)$/;

/** The one variable of that ending that every process has. */
const WORKING_FOLDER = 'PWD';

/** Names longer than this are text, not names. */
const MAX_NAME_LENGTH = 100;

/** True when a flag, variable, header or field of this name holds a secret: `--api-key`, `GITHUB_TOKEN`, `clientSecret`, `X-Api-Key`. */
export function isSecretName(name: string): boolean {
  if (name.length > MAX_NAME_LENGTH || name === WORKING_FOLDER) return false;
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((word) => word.replace(/\d+$/, ''))
    .filter((word) => word !== '');
  return words.some(isSecretWord) || SECRET_LAST_WORDS.has(words.at(-1) ?? '');
}

function isSecretWord(word: string): boolean {
  return SECRET_WORDS.has(word) || GLUED_ENDING.test(word) || GLUED_SHORT.test(word);
}
