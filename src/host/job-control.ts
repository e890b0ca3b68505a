/**
 * Takes Ctrl-Z only between two turns of the event loop. Stopped in the middle of one, a program may hold the lock of the store, and nobody on
 * this machine could write to it until `fg`. For programs of reeve alone, before they write anything: it is their reaction to TSTP.
 */
export function suspendBetweenTurns(): void {
  const onSuspend = (): void => {
    // The default reaction, which the kernel leaves out where no shell could ever continue us. Whatever else waits in line was the same key.
    process.off('SIGTSTP', onSuspend);
    process.kill(process.pid, 'SIGTSTP');
    // From here on after `fg`.
    process.on('SIGTSTP', onSuspend);
  };
  process.on('SIGTSTP', onSuspend);
}
