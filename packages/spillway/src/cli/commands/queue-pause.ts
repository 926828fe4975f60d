// `spillway queue pause` and `resume`: for every process on the store, until it is taken back.

import { command } from '../command.js'
import { writeSettings } from '../queue-rows.js'
import { targetArgs } from '../shared-args.js'
import { suggest } from '../suggestion.js'
import { withTarget } from '../target/open-target.js'

const queueArg = { type: 'positional', required: true, description: 'Name of the queue' } as const

export const queuePause = command({
  args: {
    queue: queueArg,
    reason: { type: 'string', valueHint: 'text', description: 'Why, for whoever looks at the queue' },
    ...targetArgs,
  },
  examples: [
    ['mails', 'commands wait, submits go on'],
    ['mails --reason "the relay is being moved"', 'and everybody sees why'],
  ],
  async run(invocation) {
    const { values, terminal } = invocation
    const { queue, reason } = values
    const settings = await withTarget(invocation, values, (target) => target.pause(queue, reason))
    writeSettings(terminal.out, settings, values.json === true)
    suggest(terminal, values, `queue resume ${queue}`)
  },
})

export const queueResume = command({
  args: { queue: queueArg, ...targetArgs },
  examples: [['mails', 'what waited is worked on']],
  async run(invocation) {
    const { values, terminal } = invocation
    const settings = await withTarget(invocation, values, (target) => target.resume(values.queue))
    writeSettings(terminal.out, settings, values.json === true)
  },
})
