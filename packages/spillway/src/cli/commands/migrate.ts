// `spillway migrate`: the only command beside `dev` that changes the schema.

import type { SchemaState } from '../../ports/index.js'
import { command, type Session } from '../command.js'
import { loadConfig } from '../load-config.js'
import { jsonLine } from '../printable.js'
import { globalArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'

export const migrate = command({
  args: {
    'dry-run': { type: 'boolean', description: 'Print the SQL that would run, and change nothing' },
    ...globalArgs,
  },
  examples: [
    ['', 'apply what is missing'],
    ['--dry-run > next.sql', 'read it first'],
  ],
  notes: ['Safe to run again, and from several processes at once.'],
  async run(invocation) {
    const { values } = invocation
    const { resolved } = await loadConfig(invocation, values.config)
    const { schema } = resolved.store
    const before = await schema.state()
    if (values['dry-run'] === true) {
      writePlan(invocation, before, values.json === true)
      return
    }
    const after = await schema.migrate()
    writeApplied(invocation, before, after, values.json === true)
    suggest(invocation.terminal, values, 'start')
  },
})

function writePlan({ terminal }: Session, state: SchemaState, json: boolean): void {
  const { out, messages } = terminal
  if (json) {
    out.line(jsonLine({ ...state, applied: [] }))
    return
  }
  for (const { version, name, sql } of state.pending) out.line(`-- ${version} ${name}\n${sql.trim()}\n`)
  messages.line(
    state.pending.length === 0 ? upToDate(state) : 'Nothing was changed. Apply it with: spillway migrate',
  )
}

function writeApplied({ terminal }: Session, before: SchemaState, after: SchemaState, json: boolean): void {
  const applied = before.pending.map(({ version, name }) => ({ version, name }))
  if (json) terminal.out.line(jsonLine({ current: after.current, target: after.target, applied }))
  else if (applied.length === 0) terminal.messages.line(upToDate(after))
  else for (const { version, name } of applied) terminal.out.line(`applied ${version} ${name}`)
}

function upToDate({ current }: SchemaState): string {
  return `The schema is up to date (version ${current}).`
}
