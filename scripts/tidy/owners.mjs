// Who may touch time, randomness, timers, the environment and the terminal. Everything else gets them
// handed in, which is what makes the product testable under a simulated clock. Each entry says why.

/**
 * @typedef {'clock' | 'random' | 'timers' | 'environment' | 'terminal'} Resource
 * @typedef {{ path: RegExp, owns: Resource[], reason: string }} Owner
 */

/** @type {Owner[]} */
export const OWNERS = [
  {
    path: /^packages\/spillway\/src\/runtime\//,
    owns: ['clock', 'random', 'timers'],
    reason: 'implements the clock, random and id ports over the real machine',
  },
  {
    path: /^packages\/spillway\/src\/stores\/memory\/default-clock\.ts$/,
    owns: ['clock'],
    reason: 'a store judges time by a clock of its own; the memory store has no database to ask',
  },
  {
    path: /^packages\/spillway\/src\/stores\/sqlite\/wait\.ts$/,
    owns: ['clock', 'timers'],
    reason: "waiting for another process's lock happens inside the driver, which may not import runtime/",
  },
  {
    path: /^packages\/spillway\/src\/stores\/mysql\/wait\.ts$/,
    owns: ['timers', 'random'],
    reason:
      'deadlines of calls and pauses before a retry, with jitter, belong to the driver, which may not import runtime/',
  },
  {
    path: /^packages\/spillway\/src\/stores\/postgres\/machine\.ts$/,
    owns: ['clock', 'timers', 'random'],
    reason:
      'pauses before reconnecting and retrying, and their jitter, belong to the driver, which may not import runtime/',
  },
  {
    path: /^packages\/spillway\/src\/brokers\/driver\/machine\.ts$/,
    owns: ['clock', 'timers', 'random'],
    reason:
      'deadlines of publishes, heartbeats and pauses before reconnecting belong to the drivers, which may not import runtime/',
  },
  {
    path: /^packages\/spillway\/src\/cli\/environment\.ts$/,
    owns: ['environment'],
    reason: 'the only file of the command line that reads environment variables',
  },
  {
    path: /^packages\/spillway\/src\/cli\/(terminal|confirm)\.ts$/,
    owns: ['terminal'],
    reason: 'a command line program writes to its terminal, and asks there',
  },
  {
    path: /^packages\/spillway\/src\/testing\/simulation\/cli\.ts$/,
    owns: ['environment', 'terminal'],
    reason: 'the simulation is started from a terminal and prints its seed and verdict there',
  },
  {
    path: /^packages\/test-bed\/src\/environment\.ts$/,
    owns: ['environment'],
    reason: 'the only file of the test bed that reads environment variables',
  },
  {
    path: /^packages\/test-bed\/src\/waiting\.ts$/,
    owns: ['clock', 'timers'],
    reason: 'nothing announces that a server of another process is ready, or gone',
  },
  {
    path: /^packages\/test-bed\/src\/random-name\.ts$/,
    owns: ['random'],
    reason: 'test processes that know nothing of each other name databases on one server',
  },
  {
    path: /^packages\/test-bed\/src\/require-server\.ts$/,
    owns: ['terminal'],
    reason: 'a skipped test says why where people look',
  },
]

/** Expressions as written in the source -> the resource they touch. `globalThis.` in front is ignored. */
export const MEMBERS = /** @type {Record<string, Resource>} */ ({
  'Date.now': 'clock',
  'performance.now': 'clock',
  'performance.timeOrigin': 'clock',
  'process.hrtime': 'clock',
  'Math.random': 'random',
  'crypto.randomUUID': 'random',
  'crypto.randomBytes': 'random',
  'crypto.randomInt': 'random',
  'crypto.getRandomValues': 'random',
  'AbortSignal.timeout': 'timers',
  'process.env': 'environment',
  'process.stdout': 'terminal',
  'process.stderr': 'terminal',
})

/** Bare names -> the resource they touch, whether called, passed on or imported. */
export const NAMES = /** @type {Record<string, Resource>} */ ({
  setTimeout: 'timers',
  setInterval: 'timers',
  setImmediate: 'timers',
  randomUUID: 'random',
  randomBytes: 'random',
  randomInt: 'random',
  getRandomValues: 'random',
  console: 'terminal',
})
