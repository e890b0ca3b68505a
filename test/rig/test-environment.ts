/** Variables of the test command that a program started by a test must have too, whatever else its environment is. */
const HANDED_ON = [
  // By it a test finds everything that it started: leaks.ts.
  'REEVE_TEST_MARK',
  // Code that was compiled once: test/run.ts.
  'NODE_COMPILE_CACHE',
];

/** What the environment of every program that a test starts begins with. */
export function handedOn(): Record<string, string> {
  return Object.fromEntries(
    HANDED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
