// `spillway queue pause` and `resume`: for every process on the store, until it is taken back.

import { type CliCommand, command } from '../command.js'
import { jsonLine } from '../printable.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'

export const queuePause = pausing(true)
export const queueResume = pausing(false)

function pausing(paused: boolean): CliCommand {
  return command({
    args: {
      queue: { type: 'positional', required: true, description: 'Name of the queue' },
      ...targetArgs,
    },
    examples: [['mails', paused ? 'commands wait, submits go on' : 'what waited is worked on']],
    async run(invocation) {
      const { values, terminal } = invocation
      const { queue } = values
      await withTarget(invocation, values, (target) => target.setPaused(queue, paused))
      terminal.out.line(
        values.json === true
          ? jsonLine({ queue, paused })
          : `${queue} ${paused ? 'is paused' : 'is worked on'}`,
      )
      if (paused) suggest(terminal, values, `queue resume ${queue}`)
    },
  })
}
