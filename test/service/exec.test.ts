import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { CommandFailed, exec } from '../../src/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { createReport } from '../rig/puppet.ts';

failOnLeaks();

const sh = (script: string) => exec('sh', '-c', script);

async function failureOf(work: Promise<unknown>): Promise<CommandFailed> {
  try {
    await work;
  } catch (error) {
    if (error instanceof CommandFailed) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('exec', () => {
  it('gives stdout alone, or both streams', async () => {
    assert.equal(await sh('echo out; echo err >&2').output(), 'out\n');
    assert.equal(await sh('echo out; echo err >&2; echo out').combinedOutput(), 'out\nerr\nout\n');
  });

  it('gives all of it, beyond what a ring keeps', async () => {
    const length = 3_000_000;
    assert.equal(
      (await sh(`head -c ${length} /dev/zero | tr '\\0' ä | head -c ${length}`).output()).length > 1_400_000,
      true,
    );
    assert.equal(await sh(`head -c ${length} /dev/zero | tr '\\0' x`).output(), 'x'.repeat(length));
  });

  it('runs in a folder, with added variables and an input', async (t) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-exec-')));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const command = sh('pwd; echo "$ONE $TWO"; cat').dir(folder).env({ ONE: '1' });
    assert.equal(await command.env({ TWO: '2' }).stdin('text').output(), `${folder}\n1 2\ntext`);
    // A description is not changed by what is derived from it.
    assert.equal(await command.output(), `${folder}\n1 \n`);
    const chunks = Readable.from([Buffer.from('a'), Buffer.from('b')]);
    assert.equal(await exec('cat').stdin(chunks).output(), 'ab');
    assert.equal(await exec('true').stdin('unread '.repeat(100_000)).output(), '');
  });

  it('hands output on to sinks as it comes', async () => {
    const out: string[] = [];
    const err = new Writable({
      write(chunk: Buffer, _encoding, done) {
        out.push(`err ${chunk.toString()}`);
        done();
      },
    });
    const first = Promise.withResolvers<void>();
    async function* afterFirst(): AsyncGenerator<Uint8Array> {
      await first.promise;
      yield Buffer.from('go on\n');
    }
    await sh('echo a; read -r _; echo b >&2')
      .stdin(afterFirst())
      .stdout({
        write(bytes) {
          out.push(new TextDecoder().decode(bytes));
          first.resolve();
        },
      })
      .stderr(err)
      .run();
    assert.deepEqual(out, ['a\n', 'err b\n']);
  });

  it('fails with what the command ended with', async () => {
    const failed = await failureOf(sh('echo so far; exit 4').combinedOutput());
    assert.deepEqual([failed.code, failed.exit.exitCode, failed.output], ['COMMAND_FAILED', 4, 'so far\n']);
    assert.equal((await failureOf(exec('false').run())).message, 'false exited with 1');
    await assert.rejects(exec('no-such-command').run(), { code: 'COMMAND_NOT_FOUND' });
  });

  it('quietly, says what was complained of only when it fails', async () => {
    await sh('echo noise; echo noise >&2').runQuiet();
    const failed = await failureOf(sh('echo noise; echo "no such thing" >&2; exit 2').runQuiet());
    assert.equal(failed.message, 'sh exited with 2: no such thing');
  });

  it('is silent but for a logger of one’s own, who is told no secrets', async () => {
    const told: unknown[] = [];
    const logger = {
      debug: (message: string, fields: unknown) => told.push([message, fields]),
      error: (message: string, fields: unknown) => told.push([message, fields]),
    };
    await failureOf(exec('sh', '-c', 'exit 5', 'sh', '--api-key', 'sk-secret').logger(logger).run());
    assert.equal(told.length, 2);
    assert.match(JSON.stringify(told), /a command was started.*a command has failed.*sh exited with 5/);
    assert.doesNotMatch(JSON.stringify(told), /sk-secret/);
  });

  it('starts without waiting; what it leaves behind is swept', async (t) => {
    const report = createReport(t);
    const script = `(setsid sleep 1000 & echo "left $!" >>${report.path}); read -r _; exit 0`;
    const started = await sh(script).stdin(never()).start();
    const { left } = await report.processes('left');
    assert.equal(readProcess(started.pid)?.comm, 'sh');
    await started.kill();
    await failureOf(started.wait());
    assert.equal(isAlive(left), false);
  });

  it('an input that fails ends the command, and is what the caller is told', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array([1]);
      throw new Error('the source broke');
    }
    await assert.rejects(exec('cat').stdin(broken()).output(), { message: 'the source broke' });
  });

  it('a sink that fails is what the caller is told, at once or by a promise', async () => {
    const failing = {
      write() {
        throw new Error('the sink broke');
      },
    };
    await assert.rejects(sh('echo said; exec sleep 1000').stdout(failing).run(), { message: 'the sink broke' });
    const late = { write: () => Promise.reject(new Error('the sink broke later')) };
    await assert.rejects(sh('echo said').stderr(late).stdout(late).run(), { message: 'the sink broke later' });
  });

  it('waits for a sink that takes its time', async () => {
    const taken: string[] = [];
    const write = async (bytes: Uint8Array): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      taken.push(new TextDecoder().decode(bytes));
    };
    await sh('echo one; echo two').stdout({ write }).run();
    assert.equal(taken.join(''), 'one\ntwo\n');
  });

  it('has nothing to kill when it is over', async () => {
    const started = await exec('true').start();
    await started.wait();
    await started.kill();
  });

  it('leaves no file behind', async () => {
    const made = () => readdirSync(tmpdir()).filter((name) => /^reeve-[0-9a-f]{32}$/u.test(name));
    await exec('true').run();
    assert.deepEqual(made(), []);
  });
});

/** An input that stays open. */
async function* never(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {});
  yield new Uint8Array();
}
