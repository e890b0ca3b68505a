/** How a program takes its password: `-p` for `-pSECRET`, `-p SECRET`, or both. */
export interface PasswordFlag {
  readonly flag: string;
  /** The password follows in the same word. */
  readonly isGlued: boolean;
  /** The password is the next word. */
  readonly isApart: boolean;
  /** Only after this word: `docker run -p` is a port. */
  readonly after?: string;
  /** What follows is `name:password`, of which the name is no secret. */
  readonly isPair?: true;
}

const GLUED = { isGlued: true, isApart: false } as const;
const APART = { isGlued: false, isApart: true } as const;
const BOTH = { isGlued: true, isApart: true } as const;
const PAIR = { ...BOTH, isPair: true } as const;

/** Programs whose flags are too short to tell by themselves: `-p` is a port to most, and mysql's `-p db` asks for the password. */
const KNOWN: readonly (readonly [programs: readonly string[], ...flags: readonly PasswordFlag[]])[] = [
  // https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_password
  [
    ['mysql', 'mysqldump', 'mysqladmin', 'mysqlimport', 'mysqlshow', 'mysqlcheck', 'mysqlsh', 'mysqlslap', 'mysqlpump'],
    { flag: '-p', ...GLUED },
  ],
  [
    ['mariadb', 'mariadb-dump', 'mariadb-admin', 'mariadb-import', 'mariadb-show', 'mariadb-check'],
    { flag: '-p', ...GLUED },
  ],
  [['sshpass'], { flag: '-p', ...BOTH }],
  [['7z', '7za', '7zr', '7zz', 'rar', 'unrar'], { flag: '-p', ...GLUED }],
  [['zip', 'unzip'], { flag: '-P', ...BOTH }],
  [['redis-cli'], { flag: '-a', ...APART }],
  [['mongo', 'mongosh', 'mongodump', 'mongorestore', 'mongoexport', 'mongoimport'], { flag: '-p', ...BOTH }],
  [['ldapsearch', 'ldapadd', 'ldapmodify', 'ldapdelete', 'ldapwhoami'], { flag: '-w', ...APART }],
  [['docker', 'podman'], { flag: '-p', ...APART, after: 'login' }],
  [['sqlcmd'], { flag: '-P', ...BOTH }],
  [['openssl'], { flag: '-passin', ...APART }, { flag: '-passout', ...APART }],
  // https://curl.se/docs/manpage.html#-u
  [
    ['curl'],
    { flag: '-u', ...PAIR },
    { flag: '-U', ...PAIR },
    { flag: '--user', ...PAIR },
    { flag: '--proxy-user', ...PAIR },
  ],
  // https://httpie.io/docs/cli/authentication
  [['http', 'https', 'xh', 'xhs'], { flag: '-a', ...PAIR }, { flag: '--auth', ...PAIR }],
];

const FLAGS_OF: ReadonlyMap<string, readonly PasswordFlag[]> = new Map(
  KNOWN.flatMap(([programs, ...flags]) => programs.map((program) => [program, flags] as const)),
);

/** Names of the programs that take a password behind a flag of theirs. */
export const PASSWORD_PROGRAMS: readonly string[] = [...FLAGS_OF.keys()];

/**
 * Follows the words of a command, one after the other, and says of each where in it a password begins; null where none does.
 * @param command its first word: a program, with or without its folder
 */
export function watchPasswords(command: string): (word: string) => number | null {
  let flags = flagsOf(command) ?? [];
  let previous = command;
  const said = new Set<string>();
  return (word) => {
    const at = flags
      .filter(({ after }) => after === undefined || said.has(after))
      .map((flag) => passwordAt(flag, word, previous))
      .find((found) => found !== null);
    // Of `sudo mysql -pSECRET` the flags are mysql's.
    if (at === undefined) flags = flagsOf(word) ?? flags;
    said.add(word);
    previous = word;
    return at ?? null;
  };
}

function flagsOf(word: string): readonly PasswordFlag[] | null {
  return FLAGS_OF.get(word.slice(word.lastIndexOf('/') + 1)) ?? null;
}

function passwordAt(password: PasswordFlag, word: string, previous: string): number | null {
  const valueAt = valueOf(password, word, previous);
  if (valueAt === null || password.isPair !== true) return valueAt;
  const colon = word.indexOf(':', valueAt);
  return colon === -1 || colon === word.length - 1 ? null : colon + 1;
}

function valueOf({ flag, isGlued, isApart, isPair }: PasswordFlag, word: string, previous: string): number | null {
  const letter = flag.startsWith('--') ? null : flag.slice(1);
  // `curl -sSu`: short flags in one word.
  const isLastOfMany = isPair === true && letter !== null && /^-[A-Za-z]+$/.test(previous) && previous.endsWith(letter);
  if (isApart && (previous === flag || isLastOfMany)) return 0;
  const head = letter === null ? `${flag}=` : flag;
  return isGlued && word.startsWith(head) && word.length > head.length ? head.length : null;
}
