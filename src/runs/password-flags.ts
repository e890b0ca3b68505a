/** How a program takes its password: `-p` for `-pSECRET`, `-p SECRET`, or both. */
export interface PasswordFlag {
  readonly flag: string;
  /** The password follows in the same word. */
  readonly isGlued: boolean;
  /** The password is the next word. */
  readonly isApart: boolean;
  /** Only after this word: `docker run -p` is a port. */
  readonly after?: string;
}

const GLUED = { isGlued: true, isApart: false } as const;
const APART = { isGlued: false, isApart: true } as const;
const BOTH = { isGlued: true, isApart: true } as const;

/** Programs whose flags are too short to tell by themselves: `-p` is a port to most, and mysql's `-p db` asks for the password. */
const KNOWN: readonly (readonly [programs: readonly string[], flag: PasswordFlag])[] = [
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
];

const FLAG_OF: ReadonlyMap<string, PasswordFlag> = new Map(
  KNOWN.flatMap(([programs, flag]) => programs.map((program) => [program, flag] as const)),
);

/** The password flag of the program that this word names, with or without its folder; null when it is none of those. */
export function passwordFlagOf(word: string): PasswordFlag | null {
  return FLAG_OF.get(word.slice(word.lastIndexOf('/') + 1)) ?? null;
}

/** Programs with a password that can be glued to its flag, by that flag. */
export function gluedPrograms(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [program, { flag, isGlued }] of FLAG_OF)
    if (isGlued) found.set(flag, [...(found.get(flag) ?? []), program]);
  return found;
}
