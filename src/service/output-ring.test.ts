import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_RING_BYTES, OutputRing } from './output-ring.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('OutputRing', () => {
  it('keeps 1 MiB unless told otherwise', () => {
    assert.equal(new OutputRing().capacity, 1024 * 1024);
    assert.equal(DEFAULT_RING_BYTES, 1024 * 1024);
  });

  it('P5 says how many bytes were lost', () => {
    const ring = new OutputRing(8);
    ring.write(encode('abcdef'));
    assert.deepEqual([ring.string(), ring.length, ring.bytesLost], ['abcdef', 6, 0]);
    ring.write(encode('ghijk'));
    assert.deepEqual([ring.string(), ring.length, ring.bytesLost], ['defghijk', 8, 3]);
    ring.write(encode('0123456789'));
    assert.deepEqual([ring.string(), ring.length, ring.bytesLost], ['23456789', 8, 13]);
  });

  it('holds, after any writes, exactly the newest bytes, and has counted the rest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9_000 }),
        fc.array(fc.uint8Array({ maxLength: 6_000 }), { maxLength: 12 }),
        (capacity, writes) => {
          const ring = new OutputRing(capacity);
          const all: number[] = [];
          for (const bytes of writes) {
            ring.write(bytes);
            all.push(...bytes);
            const kept = all.slice(Math.max(0, all.length - capacity));
            assert.deepEqual([...ring.bytes()], kept);
            assert.deepEqual([ring.length, ring.bytesLost], [kept.length, all.length - kept.length]);
          }
        },
      ),
    );
  });

  it('begins anew after a reset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (before, after) => {
        const used = new OutputRing(8);
        used.write(before);
        used.reset();
        assert.deepEqual([used.length, used.bytesLost, used.string()], [0, 0, '']);
        const fresh = new OutputRing(8);
        for (const ring of [used, fresh]) ring.write(after);
        assert.deepEqual([used.bytes(), used.bytesLost], [fresh.bytes(), fresh.bytesLost]);
      }),
    );
  });

  it('keeps copies: neither what was written nor what was read is shared', () => {
    const ring = new OutputRing(4);
    const written = encode('abcd');
    ring.write(written);
    written.fill(0);
    ring.bytes().fill(0);
    assert.equal(ring.string(), 'abcd');
  });

  it('shows a character whose front was lost as U+FFFD', () => {
    const ring = new OutputRing(4);
    ring.write(encode('€uro'));
    assert.equal(ring.string(), '\u{FFFD}uro');
  });

  it('refuses a capacity that is no whole number above 0', () => {
    for (const capacity of [0, -1, 1.5, Number.NaN, Infinity])
      assert.throws(() => new OutputRing(capacity), RangeError);
  });
});
