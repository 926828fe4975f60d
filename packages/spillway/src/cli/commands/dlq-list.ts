// `spillway dlq list`: what nothing helped, and why.

import { command } from '../command.js'
import { writeCommands } from '../command-rows.js'
import { filterArgs, filterFlags, filterOf, fingerprintArg, pageArgs, rowsMax } from '../list-args.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'

export const dlqList = command({
  args: { ...filterArgs, fingerprint: fingerprintArg, ...pageArgs, ...targetArgs },
  examples: [
    ['--type letter.issue', 'dead commands of one type'],
    ['--fingerprint <fingerprint>', 'all that died of one error'],
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    const filter = filterOf({ ...values, state: 'dead' })
    const plan = { filter, limit: rowsMax(values.limit), cursor: values.cursor }
    const { rows, next } = await withTarget(invocation, values, (target) =>
      writeCommands(target, terminal, plan, values.json === true),
    )
    const { type, queue, fingerprint } = values
    const flags = filterFlags({ type, queue, fingerprint })
    if (rows === 0) terminal.messages.line('No dead commands.')
    else if (next === null) suggest(terminal, values, `dlq replay${flags} --dry-run`)
    else suggest(terminal, values, `dlq list${flags} --cursor ${next}`)
  },
})
