import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClaudeScratch } from './claude.ts';

/** The text of every session log in the scratch. */
export function loggedText({ configDir }: ClaudeScratch): string {
  const files = globSync('projects/**/*.jsonl', { cwd: configDir });
  return files.map((file) => readFileSync(join(configDir, file), 'utf8')).join('');
}
