import type { z } from 'zod';
import { laterKey } from './later.ts';
import { formatKey } from './problem.ts';
import type { ConfigProblem } from './problem.ts';
import { choicesAt, expectationAt } from './schema.ts';
import { didYouMean } from './suggest.ts';
import type { TomlDocument } from './toml.ts';
import { nearestZone } from './zone.ts';

/** Puts a validator's finding into words, at its place in the file. An issue about several keys becomes one problem each. */
export function explainIssue(issue: z.core.$ZodIssue, document: TomlDocument): readonly ConfigProblem[] {
  const path = issue.path;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], document));
  const value = valueAt(document.value, path);
  const key = formatKey(path);
  const name = nameWithinTable(path);
  const expects = expectationAt(path) ?? 'something else';
  if (value === undefined) {
    const message = `${tableTitle(path.slice(0, -1), document)} has no ${name}`;
    return [{ ...document.keyAt(path), key, message, suggestion: `add ${name} = …: ${expects}` }];
  }
  const says = issue.code === 'custom' ? (issue.params?.['says'] as string | undefined) : undefined;
  const message = `${name} ${says ?? `must be ${expects}, not ${show(value, document.textAt(path))}`}`;
  return [{ ...document.valueAt(path), key, message, suggestion: suggestValue(path, value) }];
}

function unknownKey(path: readonly PropertyKey[], document: TomlDocument): ConfigProblem {
  const table = path.slice(0, -1);
  const tableName = table.findLast((part) => typeof part === 'string') ?? '';
  const key = String(path.at(-1));
  const known = choicesAt(table);
  const later = laterKey(path);
  const suggestion = later === null ? (didYouMean(key, known) ?? `known here: ${known.join(', ')}`) : 'remove it';
  const message = later ?? `unknown key ${formatKey([key])}${tableName === '' ? '' : ` in ${tableName}`}`;
  return { ...document.keyAt(path), key: formatKey(path), message, suggestion };
}

/** `usd` for `limit[3].usd`, `labels.team` for `limit[3].labels.team`: the line number says which table is meant. */
function nameWithinTable(path: readonly PropertyKey[]): string {
  const tables = path[0] === 'limit' || path[0] === 'agents' ? 2 : 1;
  return formatKey(
    path.length > tables ? path.slice(tables) : path.slice(path.findLastIndex((part) => typeof part === 'string')),
  );
}

function tableTitle(path: readonly PropertyKey[], document: TomlDocument): string {
  const name = valueAt(document.value, [...path, 'name']);
  return typeof name === 'string' ? `limit ${JSON.stringify(name)}` : formatKey(path);
}

function suggestValue(path: readonly PropertyKey[], value: unknown): string | null {
  if (typeof value !== 'string') return null;
  if (path.length === 1 && path[0] === 'timezone') {
    const zone = nearestZone(value);
    return zone === null ? null : `did you mean "${zone}"?`;
  }
  const words = choicesAt(path);
  if (words.length > 0) return didYouMean(value, words);
  const expects = expectationAt(path) ?? '';
  return expects.startsWith('a number') && value.trim() !== '' && Number.isFinite(Number(value))
    ? 'write it without quotes'
    : null;
}

/** A value as the file shows it, short enough for a line. */
function show(value: unknown, text: string | null): string {
  if (text !== null) return text;
  if (typeof value === 'symbol') return 'a date';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a table';
  const shown = JSON.stringify(value);
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part],
    root,
  );
}
