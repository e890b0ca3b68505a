/**
 * Bundles the programs whose start is waited for most: `reeve run`, `start` and `ps`, the shim that `start` leaves behind, and `usage`.
 * Why: docs/adr/0011-bundled-starts.md. The other commands stay as tsc wrote them.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';

interface Program {
  /** Where it is started from, below dist, without ending; its code goes beside it as `<entry>-code.cjs`. */
  readonly entry: string;
  /** Imports what it runs by paths below dist. */
  readonly source: string;
  /** Verbs of the command line that are part of it. `bin/reeve` knows them too. */
  readonly verbs: readonly string[];
}

/** Taking Node's world down in order costs 2 ms, and nothing is left to be written: `runCli` has waited for that. */
const COMMAND_LINE = `import { runCli } from './cli/program.js';
runCli(process.argv.slice(2)).then((code) => process.exit(code));`;

const PROGRAMS: readonly Program[] = [
  { entry: 'cli/run', source: COMMAND_LINE, verbs: ['run', 'start', 'ps'] },
  { entry: 'cli/usage', source: COMMAND_LINE, verbs: ['usage'] },
  { entry: 'shim/main', source: `import { runOrder } from './shim/order.js';\nrunOrder();`, verbs: [] },
];

/** The thread that reads logs beside the one that writes the ledger: its few modules must not be loaded one by one either. */
const LOG_WORKER = { file: 'host/log-worker.cjs', source: `import './host/log-worker.js';`, verbs: [] };

/** Writes the bundles below `dist`, made from the modules there. @throws when esbuild finds something wrong, after printing it */
export async function bundlePrograms(dist: string): Promise<void> {
  await bundle(dist, LOG_WORKER);
  for (const { entry, source, verbs } of PROGRAMS) {
    const code = `${entry}-code.cjs`;
    await bundle(dist, { file: code, source, verbs });
    // A file that is loaded before the cache is switched on is compiled anew each time: so this one is small.
    const boot = `import { useCompileCache } from './host/compile-cache.js';
useCompileCache(process.env);
require(${JSON.stringify(`./${code.slice(code.lastIndexOf('/') + 1)}`)});`;
    await bundle(dist, { file: `${entry}.cjs`, source: boot, verbs });
  }
}

async function bundle(
  dist: string,
  { file, source, verbs }: { readonly file: string; readonly source: string; readonly verbs: readonly string[] },
): Promise<void> {
  const outfile = join(dist, file);
  await build({
    stdin: { contents: source, resolveDir: dist },
    outfile,
    absWorkingDir: dist,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    // Names stay as they are: stack traces are read by people.
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [otherVerbsOutside(verbs), configReaderOutside, koffiWithoutUtil, placesOf(outfile)],
    logLevel: 'warning',
  });
}

/** What only other verbs load is no part of a bundle, and no bundle ever loads it. */
function otherVerbsOutside(verbs: readonly string[]): Plugin {
  return {
    name: 'other-verbs-outside',
    setup({ onResolve }) {
      const inside = new Set(verbs.map((verb) => `./commands/${verb}.js`));
      onResolve({ filter: /^\.\/commands\// }, ({ path }) => (inside.has(path) ? null : { path, external: true }));
      onResolve({ filter: /-code\.cjs$/ }, ({ path }) => ({ path, external: true }));
    },
  };
}

/**
 * The reader of configs is two thirds of a run's code, and hardly any run needs it: kept in the bundle, its text would be memory of every shim.
 * It tells what it finds and throws nothing, so that it matters to nobody whose classes its errors are.
 */
const configReaderOutside: Plugin = {
  name: 'config-reader-outside',
  setup({ onResolve }) {
    onResolve({ filter: /\/config\/load\.js$/ }, ({ path, importer }) =>
      importer.endsWith('/host/configured-limits.js') ? { path, external: true } : null,
    );
  },
};

/**
 * koffi's wrapper is bundled with as much of `node:util` as it uses, one function: it copies every property, and so loads workers, text
 * decoders and an opened stderr, 5 ms of each start. Its native part is found from the installed koffi, as koffi itself would find it;
 * the two check that they are of one version, so package.json pins it.
 */
const koffiWithoutUtil: Plugin = {
  name: 'koffi-without-util',
  setup({ onResolve, onLoad }) {
    const koffi = join(import.meta.dirname, '..', 'node_modules', 'koffi');
    onResolve({ filter: /^koffi$/ }, ({ kind }) =>
      kind === 'require-resolve' ? { path: 'koffi', external: true } : { path: join(koffi, 'index.cjs') },
    );
    onResolve({ filter: /^node:util$/ }, ({ importer }) =>
      importer.startsWith(koffi) ? { path: 'util', namespace: 'koffi' } : null,
    );
    onLoad({ filter: /^util$/, namespace: 'koffi' }, () => ({
      contents: `const { deprecate } = require('node:util'); module.exports = { deprecate };`,
    }));
    onLoad({ filter: /\/koffi\/.*\/static\.cjs$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const contents = text.replaceAll(`require('@koromix/`, `fromKoffi('@koromix/`);
      if (contents === text)
        throw new Error(`${path} is not what it was: see what has become of koffi's native packages`);
      return {
        contents: `const fromKoffi = require('node:module').createRequire(require.resolve('koffi'));${contents}`,
      };
    });
  },
};

/** Modules that look for files beside themselves find them from the bundle: `import.meta` goes on meaning the module's own place. */
function placesOf(outfile: string): Plugin {
  return {
    name: 'places',
    setup({ onLoad }) {
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        if (!text.includes('import.meta.')) return null;
        const own = relative(dirname(outfile), path);
        const filename = `(__dirname + ${JSON.stringify(`/${own}`)})`;
        const contents = text
          .replaceAll('import.meta.filename', filename)
          .replaceAll('import.meta.dirname', `(__dirname + ${JSON.stringify(`/${dirname(own)}`)})`)
          .replaceAll('import.meta.url', `require('node:url').pathToFileURL(${filename}).href`);
        return { contents, loader: 'js' };
      });
    },
  };
}
