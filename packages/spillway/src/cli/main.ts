#!/usr/bin/env node
// The program `spillway`. It leaves explicitly: a configuration may hold connections open that would keep the process alive.

import { readEnvironment } from './environment.js'
import { listenForInterruption } from './interruption.js'
import { runCli } from './run-cli.js'
import { openTerminal } from './terminal.js'

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
