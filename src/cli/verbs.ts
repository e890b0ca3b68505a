import type { CommandEntry } from './command.ts';

/** Every verb, in the order of `reeve --help`. */
export const VERBS: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'run an agent (or anything) supervised in the foreground',
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'start',
    summary: 'the same in the background; prints the run id',
    load: () => import('./commands/start.ts'),
  },
  { name: 'stop', summary: 'verified tree kill; prints the receipt', load: () => import('./commands/stop.ts') },
  {
    name: 'interrupt',
    summary: 'ask the matched work to stop its current turn or tool, and spare the rest',
    load: () => import('./commands/interrupt.ts'),
  },
  {
    name: 'pause',
    summary: 'freeze the whole tree; its minutes do not pass',
    load: () => import('./commands/pause.ts'),
  },
  { name: 'resume', summary: 'thaw what a pause has frozen', load: () => import('./commands/resume.ts') },
  { name: 'ps', summary: 'what runs, and who owns it', load: () => import('./commands/ps.ts') },
  { name: 'tree', summary: 'live process tree of runs, with memory and CPU', load: () => import('./commands/tree.ts') },
  { name: 'inspect', summary: 'the whole record of one run', load: () => import('./commands/inspect.ts') },
  { name: 'logs', summary: 'output of a background run', load: () => import('./commands/logs.ts') },
  { name: 'wait', summary: 'wait for the end of a run', load: () => import('./commands/wait.ts') },
  {
    name: 'send',
    summary: 'write to the standard input of a background run',
    load: () => import('./commands/send.ts'),
  },
  { name: 'events', summary: 'what happens, as it happens', load: () => import('./commands/events.ts') },
  { name: 'signal', summary: "a plain signal to a run's command", load: () => import('./commands/signal.ts') },
  { name: 'rm', summary: 'forget runs that have ended, with their output', load: () => import('./commands/rm.ts') },
  {
    name: 'register',
    summary: 'put work on record that reeve did not start',
    load: () => import('./commands/register.ts'),
  },
  {
    name: 'checkpoint',
    summary: 'say what has changed of registered work',
    load: () => import('./commands/checkpoint.ts'),
  },
  { name: 'finish', summary: 'say how registered work has ended', load: () => import('./commands/finish.ts') },
  { name: 'usage', summary: "cost and tokens from agents' logs", load: () => import('./commands/usage.ts') },
  { name: 'limit', summary: 'limits in force', load: () => import('./commands/limit.ts') },
  { name: 'lockouts', summary: 'what is locked out, why and until when', load: () => import('./commands/lockouts.ts') },
  {
    name: 'unlock',
    summary: 'lift a lockout for a time or an amount, on the record',
    load: () => import('./commands/unlock.ts'),
  },
  { name: 'prices', summary: 'price table in force', load: () => import('./commands/prices.ts') },
  {
    name: 'claim',
    summary: 'claim a worktree by hand or for a command; verify a token',
    load: () => import('./commands/claim.ts'),
  },
  { name: 'release', summary: 'give a claim back, or break it', load: () => import('./commands/release.ts') },
  { name: 'claims', summary: 'who holds which worktree', load: () => import('./commands/claims.ts') },
  {
    name: 'worktrees',
    summary: "a repository's worktrees: who holds them, what is unsaved; remove one",
    load: () => import('./commands/worktrees.ts'),
  },
  {
    name: 'hooks',
    summary: 'have other programs ask reeve: refuse commits of agents that do not hold the worktree',
    load: () => import('./commands/hooks.ts'),
  },
  { name: 'up', summary: 'start the daemon', load: () => import('./commands/up.ts') },
  { name: 'down', summary: 'stop the daemon', load: () => import('./commands/down.ts') },
  { name: 'status', summary: "the daemon's health", load: () => import('./commands/status.ts') },
  {
    name: 'doctor',
    summary: 'orphaned trees, stale records, corrupt files: evidence and remedy',
    load: () => import('./commands/doctor.ts'),
  },
  { name: 'config', summary: "the config's place, check, JSON Schema", load: () => import('./commands/config.ts') },
  { name: 'complete', summary: 'shell completions: bash, zsh, fish', load: () => import('./commands/complete.ts') },
];
