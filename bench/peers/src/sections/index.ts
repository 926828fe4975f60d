import { agent } from './agent.js'
import { backlog } from './backlog.js'
import { brokers } from './brokers.js'
import { bulkApi } from './bulk-api.js'
import { callers } from './callers.js'
import { dedupe } from './dedupe.js'
import { failures } from './failures.js'
import { idle } from './idle.js'
import { journal } from './journal.js'
import { latency } from './latency.js'
import { mariadb } from './mariadb.js'
import { processes } from './processes.js'
import type { Section } from './section.js'
import type { SectionName } from './section-names.js'
import { submits } from './submits.js'

export const SECTIONS: Readonly<Record<SectionName, Section>> = {
  submits,
  'bulk-api': bulkApi,
  callers,
  backlog,
  failures,
  latency,
  dedupe,
  processes,
  idle,
  mariadb,
  journal,
  agent,
  brokers,
}
