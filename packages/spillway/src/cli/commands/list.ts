// `spillway list`: commands, newest first.

import { command } from '../command.js'
import { writeCommands } from '../command-rows.js'
import {
  filterArgs,
  filterFlags,
  filterOf,
  fingerprintArg,
  pageArgs,
  rowsMax,
  stateArg,
} from '../list-args.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'
import { usageError } from '../usage-error.js'

export const list = command({
  args: { state: stateArg, ...filterArgs, fingerprint: fingerprintArg, ...pageArgs, ...targetArgs },
  examples: [
    ['--state dead --type click.record', 'what could not be done'],
    ['--limit 1000 --json | jq -r .id', 'ids for a script'],
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    if (values.fingerprint !== undefined && values.state === undefined)
      throw usageError('--fingerprint goes with --state.')
    const plan = { filter: filterOf(values), limit: rowsMax(values.limit), cursor: values.cursor }
    const { rows, next } = await withTarget(invocation, values, (target) =>
      writeCommands(target, terminal, plan, values.json === true),
    )
    if (rows === 0) terminal.messages.line('No such commands.')
    if (next !== null) suggest(terminal, values, `list${filterFlags(values)} --cursor ${next}`)
  },
})
