/** Run by `unprivileged.ts` as another user: the tests whose name matches argv[2]; sends the tally to the parent. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTestFiles } from './files.ts';
import { runPass } from './pass.ts';

const root = join(import.meta.dirname, '../..');
const only = new RegExp(process.argv[2] ?? '', 'u');
const files = findTestFiles(root, []).filter((file) => only.test(readFileSync(file, 'utf8')));
const tally = await runPass({
  root,
  files,
  only,
  signal: new AbortController().signal,
  print: (text) => process.stdout.write(text),
});
process.send?.(tally);
process.disconnect();
