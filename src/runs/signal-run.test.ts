import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReeveError } from '../errors.ts';
import { parseSignal } from './signal-run.ts';

function codeOf(text: string): string | null {
  try {
    parseSignal(text);
    return null;
  } catch (error) {
    return error instanceof ReeveError ? error.code : String(error);
  }
}

describe('parseSignal', () => {
  it('reads a name with or without SIG, in any case', () => {
    for (const text of ['HUP', 'SIGHUP', 'hup', 'SigHup']) assert.equal(parseSignal(text), 'HUP');
  });

  it('takes 0 for a probe', () => {
    assert.equal(parseSignal('0'), 0);
  });

  it('refuses KILL and STOP however they are written', () => {
    const cased = (text: string): fc.Arbitrary<string> =>
      fc.mixedCase(fc.constant(text), { toggleCase: (letter) => letter.toLowerCase() });
    const refused = fc.oneof(...['KILL', 'SIGKILL', 'STOP', 'SIGSTOP'].map(cased));
    fc.assert(fc.property(refused, (text) => codeOf(text) === 'SIGNAL_REFUSED'));
  });

  it('refuses every other word, numbers included: 9 and 19 are KILL and STOP', () => {
    for (const text of ['', ' ', '9', '19', '-1', '15', 'SIG', 'SIGSIGTERM', 'TERM ', 'toString', '00'])
      assert.equal(codeOf(text), 'USAGE', text);
  });
});
