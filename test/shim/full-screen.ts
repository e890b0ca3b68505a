// A full-screen program: alternate screen, mouse, bracketed paste, raw keys. It says what reaches it, each on a line of its own.
// argv[2] 'own-suspend': Ctrl-Z stops it by its own hand, as full-screen programs do.
import { stdin, stdout } from 'node:process';

const say = (text: string): void => void stdout.write(`<${text}>\r\n`);
const size = (): string => `${stdout.columns}x${stdout.rows}`;

stdin.setRawMode(true);
stdout.write('\u001B[?1049h\u001B[?1000h\u001B[?1006h\u001B[?2004h\u001B[?25l');
stdout.on('resize', () => say(`resized ${size()}`));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGCONT'] as const)
  process.on(signal, () => say(signal));
stdin.on('data', (keys) => {
  const key = keys.toString();
  if (key === '\u0003') say('key ctrl-c');
  else if (key === '\u001A') {
    say('key ctrl-z');
    stdin.setRawMode(false);
    process.once('SIGCONT', () => stdin.setRawMode(true));
    process.kill(process.pid, 'SIGSTOP');
  } else if (key === 'q') leave();
  else if (key === 'x') process.kill(process.pid, 'SIGKILL');
  else say(`key ${key}`);
});
say(`up ${size()}`);

function leave(): void {
  stdout.write('\u001B[?2004l\u001B[?1006l\u001B[?1000l\u001B[?25h\u001B[?1049l');
  stdin.setRawMode(false);
  stdin.pause();
  process.removeAllListeners();
}
