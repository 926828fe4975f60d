// What goes wrong behind the back of a command that a person has typed: a line for a person, where a server writes one for a log collector.

import { ERROR_MESSAGE_MAX } from '../../domain/index.js'
import type { Telemetry } from '../../ports/index.js'
import { safeText } from '../../telemetry/error-fields.js'
import { printable } from '../printable.js'
import type { Output } from '../terminal.js'

export function toolFaults(messages: Pick<Output, 'line'>): Telemetry {
  return {
    record(event) {
      if (event.event !== 'fault') return
      const { where, error } = event
      const message = error instanceof Error ? error.message : String(error)
      messages.line(printable(`${where}: ${safeText(message, ERROR_MESSAGE_MAX)}`))
    },
  }
}
