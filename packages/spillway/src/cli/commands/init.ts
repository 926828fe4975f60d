// `spillway init`: a first configuration that works as it is, with a word on everything in it.

import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { SpillwayError } from '../../errors/index.js'
import { command } from '../command.js'
import { CONFIG_NAMES } from '../config-file.js'
import { FIRST_STORES, firstConfig, STORE_LINES } from '../first-config.js'
import { jsonLine } from '../printable.js'
import { globalArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'

const { json, color } = globalArgs

export const init = command({
  args: {
    store: {
      type: 'enum',
      options: [...FIRST_STORES],
      valueHint: FIRST_STORES.join('|'),
      description: 'Where commands are kept; default sqlite, which needs no server',
    },
    json,
    color,
  },
  examples: [
    ['', 'in the current folder'],
    ['--store postgres', 'on the PostgreSQL database that DATABASE_URL names'],
  ],
  notes: ['Never overwrites a file.'],
  async run({ terminal, cwd, values }) {
    const existing = CONFIG_NAMES.map((name) => join(cwd, name)).find((path) => existsSync(path))
    if (existing !== undefined) {
      throw new SpillwayError('state_conflict', `${existing} exists already. Nothing was written.`)
    }
    const store = values.store ?? 'sqlite'
    const path = join(cwd, 'spillway.config.ts')
    writeFileSync(path, firstConfig(store), { flag: 'wx' })
    terminal.out.line(values.json === true ? jsonLine({ written: path }) : `wrote ${path}`)
    const { driver } = STORE_LINES[store]
    if (driver !== null && !isInstalled(driver, path)) {
      terminal.messages.line(`Its driver is not installed yet: npm install ${driver}`)
    }
    if (driver !== null) terminal.messages.line('Set DATABASE_URL to the address of your database.')
    suggest(terminal, {}, 'dev')
  },
})

function isInstalled(name: string, from: string): boolean {
  try {
    createRequire(from).resolve(name)
    return true
  } catch {
    return false
  }
}
