import { describe, expect, it } from 'vitest'
import { memoryBrokerHarness } from '../../../test/support/memory-broker-harness.js'
import { systemClock } from '../../runtime/index.js'
import { brokerContract } from '../broker-contract/index.js'
import { seededRandom } from '../seeded-random.js'
import { MemoryBrokerServer } from './index.js'

const newServer = (): MemoryBrokerServer =>
  new MemoryBrokerServer({
    clock: systemClock,
    random: seededRandom(1),
    confirmTimeoutMs: 300,
    messageBytesMax: 1024 * 1024,
  })

brokerContract(memoryBrokerHarness(newServer), { describe, it, expect })
