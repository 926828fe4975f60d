// `spillway init`: a first configuration that works as it is, with a word on everything in it.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SpillwayError } from '../../errors/index.js'
import { command } from '../command.js'
import { CONFIG_NAMES } from '../config-file.js'
import { FIRST_CONFIG } from '../first-config.js'
import { jsonLine } from '../printable.js'
import { globalArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'

const { json, color } = globalArgs

export const init = command({
  args: { json, color },
  examples: [['', 'in the current folder']],
  notes: ['Never overwrites a file.'],
  async run({ terminal, cwd, values }) {
    const existing = CONFIG_NAMES.map((name) => join(cwd, name)).find((path) => existsSync(path))
    if (existing !== undefined) {
      throw new SpillwayError('state_conflict', `${existing} exists already. Nothing was written.`)
    }
    const path = join(cwd, 'spillway.config.ts')
    writeFileSync(path, FIRST_CONFIG, { flag: 'wx' })
    terminal.out.line(values.json === true ? jsonLine({ written: path }) : `wrote ${path}`)
    suggest(terminal, {}, 'dev')
  },
})
