/**
 * Writes `src/usage/price-snapshot.json` from the installed @pydantic/genai-prices: the dated prices and model patterns of every
 * provider that can be told by a model's name. Loading the library costs 63 ms, this file less than one.
 * Run it after an update of the library; a test fails until it has been run.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { snapshotOfLibrary } from './price-library.ts';

const root = join(import.meta.dirname, '..');
const manifest = readFileSync(join(root, 'node_modules', '@pydantic', 'genai-prices', 'package.json'), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };
const file = join(root, 'src', 'usage', 'price-snapshot.json');
writeFileSync(
  file,
  `${JSON.stringify(snapshotOfLibrary(version), null, 1)}
`,
);
