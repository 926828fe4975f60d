// `spillway get <id>`: one command, now or once it has ended.

import { command } from '../command.js'
import { exitCodeOf, writeCommand } from '../command-facts.js'
import { EXIT } from '../exit-codes.js'
import { duration } from '../numbers.js'
import { targetArgs } from '../shared-args.js'
import { withTarget } from '../target/open-target.js'

export const get = command({
  args: {
    id: { type: 'positional', required: true, description: 'Id of the command' },
    wait: { type: 'string', valueHint: 'duration', description: 'Wait at most this long for its end' },
    payload: { type: 'boolean', description: 'Show the payload too' },
    ...targetArgs,
  },
  examples: [
    ['<id>', 'as it is now'],
    ['<id> --wait 10s --json', 'its end, or exit code 7 when it does not come in time'],
  ],
  notes: ['With --wait, the exit code tells how the command ended: 0 succeeded, 6 it did not, 7 not yet.'],
  async run(invocation) {
    const { values, terminal } = invocation
    const waitMs = values.wait === undefined ? 0 : duration('--wait', values.wait)
    const record = await withTarget(invocation, values, (target) =>
      target.get(values.id, { waitMs, payload: values.payload === true }),
    )
    writeCommand(terminal.out, record, values.json === true)
    return values.wait === undefined ? EXIT.ok : exitCodeOf(record)
  },
})
