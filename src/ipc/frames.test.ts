import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReeveError } from '../errors.ts';
import { encodeFrame, FrameSplitter, readRequest, readResponse } from './frames.ts';
import { PROTOCOL } from './protocol.ts';

test('lines come out whole, however the stream was cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !text.includes('\n'))),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const splitter = new FrameSplitter();
        const out: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const length = cuts[turn % cuts.length] ?? 1;
          const got = splitter.push(bytes.subarray(at, at + length));
          assert.ok(got !== 'too-long');
          out.push(...got);
          at += length;
        }
        assert.deepEqual(out, lines);
      },
    ),
  );
});

test('a line over the bound is refused before it is whole', () => {
  const splitter = new FrameSplitter(8);
  assert.deepEqual(splitter.push(Buffer.from('12345678\n1234')), ['12345678']);
  assert.equal(splitter.push(Buffer.from('56789')), 'too-long');
});

test('arbitrary text is a request or a coded refusal, never a crash', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      const request = readRequest(line);
      if ('error' in request) assert.ok(request.error instanceof ReeveError);
      else assert.equal(request.v, PROTOCOL);
    }),
  );
});

test('arbitrary text is a response, nothing, or a protocol mismatch', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      try {
        readResponse(line);
      } catch (error) {
        assert.ok(error instanceof ReeveError && error.code === 'PROTOCOL_MISMATCH');
      }
    }),
  );
});

test('a request survives the wire', () => {
  const frame = { v: PROTOCOL, id: 7, method: 'status', params: { a: 'ü\n' } };
  assert.deepEqual(readRequest(encodeFrame(frame).trimEnd()), frame);
});

test('another protocol number is refused by name, on both sides', () => {
  const request = readRequest('{"v":2,"id":3,"method":"status"}');
  assert.ok('error' in request);
  assert.equal(request.id, 3);
  assert.equal(request.error.code, 'PROTOCOL_MISMATCH');
  assert.match(request.error.message, /protocol 2, this reeve speaks 1/);
  assert.throws(() => readResponse('{"v":2,"id":3,"result":{}}'), { code: 'PROTOCOL_MISMATCH' });
});
