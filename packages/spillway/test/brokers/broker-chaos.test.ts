// Real processes whose commands travel by a real broker, under load, and one fault a cycle: workers, intakes and agents killed or paused,
// the broker and the database killed, connections cut at any byte, messages that come twice, services that know nothing of Spillway. What
// was acknowledged took effect exactly once, though nothing but Spillway guards against a second time (I1, I2, I3, I6, I14, I15).
// `npm run chaos:brokers -- --cycles N --broker nats` goes on for longer.

import { join } from 'node:path'
import { type PostgresServer, type PrivateServer, requireServer, urlAtPort } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { FaultProxy, seededRandom } from '../../src/testing/index.js'
import { ENGINES, type FaultEngine } from '../faults/engines.js'
import { Application } from '../faults/processes/application.js'
import type { Role } from '../faults/processes/program.js'
import { PROGRESS_COMMANDS, untilFurther } from '../faults/processes/progress.js'
import { BrokerFaults, type Shares } from './broker-faults.js'
import { BROKERS, type BrokerKind } from './broker-kinds.js'
import { expectExactlyOnce } from './broker-verdict.js'
import { ForeignService, RepeatedChunks } from './senders.js'

const CYCLES_ASKED_FOR = Number(process.env.SPILLWAY_CHAOS_CYCLES ?? 0)
const SEED = Number(process.env.SPILLWAY_CHAOS_SEED ?? 1)
const CYCLE_MS_MAX = 20_000
const TIMEOUT_MS = 120_000
const TRAFFIC = { batchMax: 8, pauseMs: 250 }
const QUEUES = ['orders', 'clicks']
const CONFIG = '../../brokers/processes/brokers.config.mjs'
/** From their journal to the broker an agent takes what intakes write. Which broker it is changes little about that: a longer run has two. */
const WITH_AGENT: readonly BrokerKind['kind'][] = CYCLES_ASKED_FOR > 0 ? ['rabbitmq', 'nats'] : ['nats']

interface Route {
  readonly name: string
  readonly roles: readonly Role[]
  readonly hasJournal: boolean
  readonly shares: Shares
}

const DIRECT: Route = {
  ...{ name: 'intakes publish', hasJournal: false },
  roles: ['intake', 'worker', 'worker'],
  shares: {
    ...{ 'worker killed without a database': 1, 'worker paused past its lease': 1, 'intake killed': 1 },
    ...{ 'broker killed': 1, 'all connections cut': 1, 'connection cut at a byte': 1, 'network silent': 1 },
    'chunk published again': 1,
  },
}
const BY_AGENT: Route = {
  ...{ name: 'an agent ships journals', hasJournal: true },
  roles: ['intake', 'worker', 'agent'],
  shares: { 'agent killed': 1, 'broker killed': 1, 'worker killed': 1 },
}

const [postgres] = ENGINES as readonly [FaultEngine, FaultEngine]

requireServer(describe, 'postgres', { isPrivate: true })('commands by a broker', () => {
  let database: PostgresServer
  beforeAll(async () => {
    database = (await postgres.start()) as PostgresServer
  }, TIMEOUT_MS)
  afterAll(() => database?.stop())

  for (const kind of BROKERS) {
    requireServer(describe, kind.kind, { isPrivate: true })(`over ${kind.kind}`, () => {
      let server: PrivateServer
      beforeAll(async () => {
        server = await kind.start()
      }, TIMEOUT_MS)
      afterAll(() => server?.stop())

      for (const route of WITH_AGENT.includes(kind.kind) ? [DIRECT, BY_AGENT] : [DIRECT]) {
        const deck = cyclesOf(route.shares)
        const cycles = CYCLES_ASKED_FOR || deck
        it(`where ${route.name} take effect once, whatever fails in ${cycles} cycles`, {
          timeout: cycles * CYCLE_MS_MAX + TIMEOUT_MS,
        }, async ({ annotate }) => {
          const { callers, faults, foreign, remains } = await newScene({ kind, server, database, route })
          const { application } = remains
          for (let cycle = 0; cycle < cycles; cycle += 1) {
            await foreign.send()
            await faults.next()
            await untilFurther(application, callers)
          }
          await faults.heal()
          await application.finish(callers)
          const told = await expectExactlyOnce({ ...remains, foreignIds: foreign.ids })
          expect(told.acknowledged).toBeGreaterThan(cycles * PROGRESS_COMMANDS)
          if (cycles >= deck) expect(Object.values(faults.counts)).not.toContain(0)
          await annotate(JSON.stringify({ seed: SEED, ...told, faults: faults.counts }))
        })
      }
    })
  }
})

interface Place {
  readonly kind: BrokerKind
  readonly server: PrivateServer
  readonly database: PostgresServer
  readonly route: Route
}

/** An application that works, with everything that will be done to it. */
async function newScene(place: Place) {
  const { kind, server, database, route } = place
  const prefix = `${route.hasJournal ? 'agent' : 'chaos'}-`
  const proxy = await FaultProxy.listen({ port: server.port })
  onTestFinished(() => proxy.close())
  const broker = kind.connect(server.url, prefix)
  await broker.open(QUEUES.map((name) => ({ name, partitions: null })))
  onTestFinished(() => broker.close())
  const application = await startApplication(place, { port: proxy.port, prefix })
  onTestFinished(() => application.end())
  const random = seededRandom(SEED)
  const repeated = new RepeatedChunks(application, broker, random)
  const foreign = new ForeignService(application, (messages) => kind.produce(server.url, prefix, messages))
  const callers = application.startCallers(TRAFFIC)
  const faults = new BrokerFaults(route.shares, {
    ...{ application, database, broker: server, proxy, repeated, random, hasJournal: route.hasJournal },
    untilAccepted: () => callers.untilMore(PROGRESS_COMMANDS),
  })
  onTestFinished(() => faults.heal())
  await untilFurther(application, callers)
  const free = async (): Promise<void> => kind.free?.(server.url, prefix, QUEUES)
  return { callers, faults, foreign, remains: { application, broker, free } }
}

function startApplication(
  { server, database, route: { roles, hasJournal } }: Place,
  { port, prefix }: { readonly port: number; readonly prefix: string },
): Promise<Application> {
  const variables = { FAULTS_BROKER_URL: urlAtPort(server.url, port), FAULTS_PREFIX: prefix }
  return Application.start(postgres, database, roles, {
    setting: (folder) => ({
      config: CONFIG,
      variables: { ...variables, ...(hasJournal && { FAULTS_SPOOL: join(folder, 'spool') }) },
    }),
  })
}

/** With so many, every fault of the deck happens. */
function cyclesOf(shares: Shares): number {
  return Object.values(shares).reduce((sum, share) => sum + share, 0)
}
