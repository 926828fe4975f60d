// `spillway cancel <id...>`: commands that are not running yet are not run at all.

import { command } from '../command.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'
import { exitCodeOfVerdicts, verdictRows, writeVerdicts } from '../verdict-rows.js'

export const cancel = command({
  args: {
    id: { type: 'positional', required: true, description: 'Ids of the commands' },
    ...targetArgs,
  },
  variadic: true,
  examples: [['<id> <id>', 'both, if they do not run yet']],
  notes: [
    'Accepted, scheduled and retrying commands can be cancelled. A running or finished one is a conflict: exit code 5.',
  ],
  async run(invocation) {
    const { values, words, terminal } = invocation
    const verdicts = await withTarget(invocation, values, (target) => target.cancel(words))
    writeVerdicts(terminal.out, verdictRows(words, verdicts, 'cancelled'), values.json === true)
    return exitCodeOfVerdicts(verdicts)
  },
})
