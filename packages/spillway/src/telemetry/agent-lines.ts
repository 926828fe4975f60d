// What an agent found that somebody should look at, as lines of the log.

import type { Logger } from 'pino'
import { ERROR_MESSAGE_MAX } from '../domain/index.js'
import type { AgentEvent } from './agent-events.js'
import { safeText } from './error-fields.js'

export function writeAgentLine(logger: Logger, event: AgentEvent): void {
  if (event.event === 'agent.refused') {
    const { spool, commands, path } = event
    const text = `a frame was put aside because nobody takes it: ${event.reason}`
    logger.error({ event: event.event, spool, commands, path }, safeText(text, ERROR_MESSAGE_MAX))
  } else if (event.event === 'agent.damaged') {
    const { spool, kind, writer, segment, bytes, commands } = event
    const fields = { event: event.event, spool, outcome: kind, writer, segment, bytes, commands }
    logger[DAMAGED[kind].level](fields, DAMAGED[kind].text)
  }
}

const DAMAGED = {
  corrupt: {
    level: 'error',
    text: 'a part of a journal cannot be read and is kept; see: spillway journal inspect',
  },
  missing: {
    level: 'error',
    text: 'commands are missing from a journal; see: spillway journal verify',
  },
  checkpoint: {
    level: 'error',
    text: 'a checkpoint cannot be read: what is still there is shipped again',
  },
  torn: {
    level: 'info',
    text: 'the last write of a writer that died was never acknowledged and is left out',
  },
} as const
