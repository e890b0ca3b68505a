import { ParseError, parseTOML } from 'toml-eslint-parser';
import type { AST } from 'toml-eslint-parser';
import type { ConfigProblem, Position } from './problem.ts';

/** Text as a value, with the places in the file that its parts came from. */
export interface TomlDocument {
  readonly value: Readonly<Record<string, unknown>>;
  /** Problems of the text itself. With a broken syntax nothing after the place can be known. */
  readonly problems: readonly ConfigProblem[];
  /** The whole text could be read: what is missing in `value` is missing in the file. */
  readonly complete: boolean;
  /** Where the key of that path is written; the nearest enclosing table's place when it is not written. */
  keyAt(path: readonly PropertyKey[]): Position;
  /** Where the value of that path begins. */
  valueAt(path: readonly PropertyKey[]): Position;
  /** The value as it is written, for numbers: `0x10`, `nan`. */
  textAt(path: readonly PropertyKey[]): string | null;
}

type Table = Record<string, unknown>;

interface Place {
  readonly key: Position;
  value: Position;
  text: string | null;
}

/** Reads TOML 1.0 (https://toml.io/en/v1.0.0). Never throws: what is wrong is in `problems`. */
export function readToml(text: string): TomlDocument {
  const { ast, problems, complete } = parse(text);
  const root: Table = table();
  const places = new Map<string, Place>([['[]', { key: START, value: START, text: null }]]);
  if (ast !== null) collect(ast, root, places);
  const find = (path: readonly PropertyKey[]): Place => {
    for (let length = path.length; length > 0; length -= 1) {
      const place = places.get(JSON.stringify(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return { key: START, value: START, text: null };
  };
  return {
    value: root,
    problems,
    complete,
    keyAt: (path) => find(path).key,
    valueAt: (path) => find(path).value,
    textAt: (path) => places.get(JSON.stringify(path))?.text ?? null,
  };
}

const START: Position = { line: 1, column: 1 };

/** A key written twice is only reported, so that the rest of the file is still checked; any other syntax error ends the reading. */
function parse(text: string): {
  readonly ast: AST.TOMLProgram | null;
  readonly problems: readonly ConfigProblem[];
  readonly complete: boolean;
} {
  const problems: ConfigProblem[] = [];
  const lines = text.split('\n');
  for (;;) {
    try {
      return { ast: parseTOML(lines.join('\n'), { tomlVersion: '1.0' }), problems, complete: true };
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      const problem = syntaxProblem(error, lines);
      problems.push(problem);
      const line = lines[problem.line - 1] ?? '';
      if (!isRepeatedKey(error) || !SINGLE_LINE_PAIR.test(line)) return { ast: null, problems, complete: false };
      lines[problem.line - 1] = '';
    }
  }
}

/** `key = value` that ends on its line: blanking it leaves the rest of the file as it was. */
const SINGLE_LINE_PAIR = /^[^[\]=]+=(?!.*("""|'''))([^[{]|\[[^[\]]*\]\s*(#|$)|\{[^{}]*\}\s*(#|$))*$/;

function isRepeatedKey(error: ParseError): boolean {
  return error.message.includes('key multiple times');
}

function syntaxProblem(error: ParseError, lines: readonly string[]): ConfigProblem {
  const at = { line: error.lineNumber, column: error.column + 1 };
  if (isRepeatedKey(error)) {
    const key = /^[\s[]*([^\s=\]]+)/.exec((lines[at.line - 1] ?? '').slice(error.column))?.[1] ?? '';
    return { ...at, key, message: `${key} is given twice`, suggestion: 'remove one of the two' };
  }
  if (error.message.includes('Unspecified values') && at.column === 1 && at.line > 1) {
    // The parser notices at the beginning of the next line what is missing at the end of this one.
    const column = (lines[at.line - 2] ?? '').trimEnd().length + 1;
    return { line: at.line - 1, column, key: '', message: 'a value is missing', suggestion: 'write one after the =' };
  }
  return { ...at, key: '', message: `this is not TOML: ${lowerFirst(error.message)}`, suggestion: SYNTAX_HINT };
}

const SYNTAX_HINT = 'texts stand in quotes, tables in [brackets], see https://toml.io';

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function collect(ast: AST.TOMLProgram, root: Table, places: Map<string, Place>): void {
  for (const node of ast.body[0].body) {
    if (node.type === 'TOMLKeyValue') {
      addPair(node, root, [], places);
      continue;
    }
    const position = positionOf(node.key.keys[0] ?? node);
    const target = open({ from: root, prefix: [] }, node.resolvedKey, position, places);
    for (const pair of node.body) addPair(pair, target, node.resolvedKey, places);
  }
}

function addPair(
  node: AST.TOMLKeyValue,
  parent: Table,
  path: readonly PropertyKey[],
  places: Map<string, Place>,
): void {
  const names = node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
  const last = names.at(-1) as string;
  const outer = [...path, ...names.slice(0, -1)];
  const target = open({ from: parent, prefix: path }, names.slice(0, -1), positionOf(node.key), places);
  const full = [...outer, last];
  places.set(JSON.stringify(full), {
    key: positionOf(node.key),
    value: positionOf(node.value),
    text: textOf(node.value),
  });
  target[last] = valueOf(node.value, full, places);
}

/** Follows a path of table names and list indexes from a table, whose own path is `prefix`, making what is not there yet. */
function open(
  { from, prefix }: { readonly from: Table; readonly prefix: readonly PropertyKey[] },
  path: readonly (string | number)[],
  position: Position,
  places: Map<string, Place>,
): Table {
  let current: Table | unknown[] = from;
  for (const [index, part] of path.entries()) {
    const key = JSON.stringify([...prefix, ...path.slice(0, index + 1)]);
    if (!places.has(key)) places.set(key, { key: position, value: position, text: null });
    const holder = current as Record<string | number, unknown>;
    holder[part] ??= typeof path[index + 1] === 'number' ? [] : table();
    current = holder[part] as Table | unknown[];
  }
  return current as Table;
}

function valueOf(node: AST.TOMLContentNode, path: readonly PropertyKey[], places: Map<string, Place>): unknown {
  // No field is a date. As an object it would pass for a table; a symbol passes for nothing.
  if (node.type === 'TOMLValue') return node.value instanceof Date ? Symbol('date') : node.value;
  if (node.type === 'TOMLArray') {
    return node.elements.map((element, index) => {
      const full = [...path, index];
      const position = positionOf(element);
      places.set(JSON.stringify(full), { key: position, value: position, text: textOf(element) });
      return valueOf(element, full, places);
    });
  }
  const inline = table();
  for (const pair of node.body) addPair(pair, inline, path, places);
  return inline;
}

function textOf(node: AST.TOMLContentNode): string | null {
  return node.type === 'TOMLValue' && (node.kind === 'integer' || node.kind === 'float') ? node.number : null;
}

function positionOf(node: {
  readonly loc: { readonly start: { readonly line: number; readonly column: number } };
}): Position {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 };
}

/** Without a prototype: a key named `__proto__` is a key like any other. */
function table(): Table {
  return Object.create(null) as Table;
}
