import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LineSplitter, type OutputLine } from './line-splitter.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All lines of a stream that arrives in these chunks. */
function linesOf(chunks: readonly Uint8Array[], maxBytes?: number): readonly OutputLine[] {
  const splitter = new LineSplitter(maxBytes);
  const lines = chunks.flatMap((chunk) => splitter.push(chunk));
  const last = splitter.end();
  return last === null ? lines : [...lines, last];
}

/** Cuts bytes at arbitrary places, within characters too. */
const cutBytes = (bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return places.slice(1).map((place, index) => bytes.subarray(places[index] ?? 0, place));
};

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ä', '€', '😀', '\n', '\r\n', ' ') });
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (content, cuts) => {
        const found = linesOf(cutBytes(encode(content), cuts)).map((line) => line.text);
        const wanted = content.replaceAll('\r\n', '\n').split('\n');
        if (wanted.at(-1) === '') wanted.pop();
        assert.deepEqual(found, wanted);
      }),
    );
  });

  it('delivers what exceeds the bound in pieces that end between characters, and loses nothing', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ä', '€', '😀', '\n') });
    const bound = fc.integer({ min: 4, max: 12 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), bound, (content, cuts, maxBytes) => {
        const lines = linesOf(cutBytes(encode(content), cuts), maxBytes);
        const joined = lines.map((line) => (line.continues ? line.text : `${line.text}\n`)).join('');
        assert.equal(joined, content === '' || content.endsWith('\n') ? content : `${content}\n`);
        for (const line of lines) assert.ok(encode(line.text).length <= maxBytes);
      }),
    );
  });

  it('P5 takes a line of 5 MB whole, in small chunks too', () => {
    const line = 'x'.repeat(5_000_000);
    const bytes = encode(`${line}\nnext\n`);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, index) =>
      bytes.subarray(index * 1000, index * 1000 + 1000),
    );
    const [first, second, ...rest] = linesOf(chunks);
    assert.equal(first?.text === line && !first.continues, true);
    assert.deepEqual([second, rest], [{ text: 'next', continues: false }, []]);
  });

  it('keeps nothing of a chunk that its reader fills again', () => {
    const splitter = new LineSplitter();
    const buffer = encode('half');
    assert.deepEqual(splitter.push(buffer), []);
    buffer.fill(0);
    assert.deepEqual(splitter.push(encode(' line\n')), [{ text: 'half line', continues: false }]);
  });

  it('survives bytes that are no UTF-8', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.integer({ min: 1, max: 9 }), (chunks, maxBytes) => {
        const breaks = chunks.flatMap((chunk) => [...chunk]).filter((byte) => byte === 0x0a).length;
        const lines = linesOf(chunks, maxBytes).filter((line) => !line.continues);
        assert.ok(lines.length === breaks || lines.length === breaks + 1);
      }),
    );
  });
});
