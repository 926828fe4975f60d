import { describe, expect, it } from 'vitest'
import { memoryBrokerHarness } from '../../../test/support/memory-broker-harness.js'
import { systemClock } from '../../runtime/index.js'
import { brokerContract } from '../broker-contract/index.js'
import { seededRandom } from '../seeded-random.js'
import { MemoryBrokerServer } from './index.js'

/** It answers at once: nothing but a hang takes so long. */
const PATIENCE_MS = 20_000
const HASTY_MS = 300

const newServer = (): MemoryBrokerServer =>
  new MemoryBrokerServer({
    clock: systemClock,
    random: seededRandom(1),
    confirmTimeoutMs: PATIENCE_MS,
    messageBytesMax: 1024 * 1024,
  })

brokerContract(memoryBrokerHarness(newServer, { hastyMs: HASTY_MS }), { describe, it, expect })
