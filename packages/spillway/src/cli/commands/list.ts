// `spillway list`: commands, newest first.

import { command } from '../command.js'
import { writeCommands } from '../command-rows.js'
import { filterArgs, filterOf, stateArg } from '../list-args.js'
import { wholeNumber } from '../numbers.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'

const ROWS_DEFAULT = '50'
/** Listing more is what a database client is for. */
const ROWS_MAX = 1_000_000

export const list = command({
  args: {
    state: stateArg,
    ...filterArgs,
    limit: { type: 'string', valueHint: 'rows', description: `At most so many; default ${ROWS_DEFAULT}` },
    cursor: {
      type: 'string',
      valueHint: 'id',
      description: 'Go on behind this id, where an earlier list ended',
    },
    ...targetArgs,
  },
  examples: [
    ['--state dead --type click.record', 'what could not be done'],
    ['--limit 1000 --json | jq -r .id', 'ids for a script'],
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    const limit = wholeNumber('--limit', values.limit ?? ROWS_DEFAULT, 1, ROWS_MAX)
    const plan = { filter: filterOf(values), limit, cursor: values.cursor }
    const { rows, next } = await withTarget(invocation, values, (target) =>
      writeCommands(target, terminal, plan, values.json === true),
    )
    if (rows === 0) terminal.messages.line('No such commands.')
    if (next !== null) suggest(terminal, values, `list${filterFlags(plan.filter)} --cursor ${next}`)
  },
})

function filterFlags(filter: Readonly<Record<string, unknown>>): string {
  return Object.entries(filter)
    .map(([name, value]) => ` --${name} ${String(value)}`)
    .join('')
}
