#!/usr/bin/env node
// The program `spillway`. It leaves explicitly: a configuration may hold connections open that would keep the process alive. Nor does it end before:
// a command may wait for timers that keep no process alive, as an agent does that has its checkpoints to write.

import { holdProcess } from '../runtime/hold-process.js'
import { readEnvironment } from './environment.js'
import { listenForInterruption } from './interruption.js'
import { runCli } from './run-cli.js'
import { openTerminal } from './terminal.js'

holdProcess()
const argv = process.argv.slice(2)
const environment = readEnvironment()
const terminal = openTerminal(environment.colourless || argv.includes('--no-color'))
const exitCode = await runCli(argv, {
  terminal,
  environment,
  interruption: listenForInterruption(),
  cwd: process.cwd(),
})
await terminal.flush()
process.exit(exitCode)
