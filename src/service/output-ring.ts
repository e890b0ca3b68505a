/** What a ring keeps at most unless told otherwise: 1 MiB. */
export const DEFAULT_RING_BYTES = 1024 * 1024;

/** The first bytes that are set aside; a command that prints a line needs no more. */
const FIRST_BYTES = 4096;

/**
 * The newest bytes of an endless stream: once it is full, the oldest make room and are counted. Memory grows with what was written, up to
 * the capacity.
 */
export class OutputRing {
  /** Bytes that it keeps at most. */
  readonly capacity: number;
  #store = new Uint8Array(0);
  /** Where the oldest kept byte stands. */
  #start = 0;
  #length = 0;
  #bytesLost = 0;

  /**
   * @param capacity in bytes. @defaultValue 1 MiB
   * @throws RangeError unless it is a whole number above 0
   */
  constructor(capacity: number = DEFAULT_RING_BYTES) {
    if (!Number.isSafeInteger(capacity) || capacity <= 0)
      throw new RangeError(`a ring cannot hold ${capacity} bytes: give a whole number above 0`);
    this.capacity = capacity;
  }

  /** Bytes that it holds now. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that were written and had to make room, since the start or the last {@link reset}. */
  get bytesLost(): number {
    return this.#bytesLost;
  }

  /** Appends a copy of the bytes. */
  write(bytes: Uint8Array): void {
    const kept = bytes.length > this.capacity ? bytes.subarray(bytes.length - this.capacity) : bytes;
    const overflow = Math.max(0, this.#length + kept.length - this.capacity);
    this.#bytesLost += bytes.length - kept.length + overflow;
    this.#reserve(Math.min(this.capacity, this.#length + kept.length));
    this.#start = (this.#start + overflow) % this.#store.length || 0;
    this.#length -= overflow;
    this.#append(kept);
  }

  /** A copy of what it holds, the oldest byte first. */
  bytes(): Uint8Array {
    const copy = new Uint8Array(this.#length);
    const untilWrap = Math.min(this.#length, this.#store.length - this.#start);
    copy.set(this.#store.subarray(this.#start, this.#start + untilWrap));
    copy.set(this.#store.subarray(0, this.#length - untilWrap), untilWrap);
    return copy;
  }

  /** What it holds, as UTF-8. A character of which the front was lost shows as U+FFFD. */
  string(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** Forgets everything, the count of lost bytes as well. */
  reset(): void {
    this.#store = new Uint8Array(0);
    this.#start = 0;
    this.#length = 0;
    this.#bytesLost = 0;
  }

  /** Doubles the store until it can hold `length` bytes; what is in it is then in order again. */
  #reserve(length: number): void {
    if (length <= this.#store.length) return;
    let size = Math.max(FIRST_BYTES, this.#store.length);
    while (size < length) size *= 2;
    const store = new Uint8Array(Math.min(size, this.capacity));
    store.set(this.bytes());
    this.#store = store;
    this.#start = 0;
  }

  #append(bytes: Uint8Array): void {
    const at = (this.#start + this.#length) % this.#store.length || 0;
    const untilWrap = Math.min(bytes.length, this.#store.length - at);
    this.#store.set(bytes.subarray(0, untilWrap), at);
    this.#store.set(bytes.subarray(untilWrap), 0);
    this.#length += bytes.length;
  }
}
