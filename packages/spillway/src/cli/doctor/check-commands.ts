// Commands that are accepted and then wait for ever, because nothing here can run them.

import type { ResolvedConfig } from '../../config/index.js'
import { type Finding, fine, warning } from '../../ports/index.js'

export function checkCommands({ commands, queues }: ResolvedConfig): Finding {
  if (commands.size === 0) {
    return warning('commands', 'none is defined', 'Add one: defineCommand({ name, input, handle })')
  }
  const idle = [...commands.values()].filter(({ handler, queue }) => {
    const channel = queues.get(queue)?.channel
    return handler.kind === 'none' && !(channel?.kind === 'pool' && channel.threads !== null)
  })
  if (idle.length === 0) return fine('commands', `${commands.size}, each with a handler`)
  return warning(
    'commands',
    `without a handler: ${idle.map(({ name }) => name).join(', ')}`,
    'Add handle or handleBatch, unless another process has it.',
  )
}
