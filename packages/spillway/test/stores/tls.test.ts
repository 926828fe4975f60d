// Encrypted connections to servers that really have a certificate, and what is said where there is none: to whoever has to mend it, and
// without a password.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import {
  type Certificate,
  type MariaDbServer,
  makeCertificate,
  openSession,
  type PostgresServer,
  requireServer,
  type Session,
  sharedMariaDb,
  sharedPostgres,
  startMariaDb,
  startPostgres,
} from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ChunkDraft, Lease, Settlement } from '../../src/domain/index.js'
import type { Store } from '../../src/ports/index.js'
import { type MysqlOptions, type MysqlTx, mysql } from '../../src/stores/mysql/index.js'
import { type PostgresOptions, type PostgresStore, postgres } from '../../src/stores/postgres/index.js'

/** Of every url of the test bed. */
const PASSWORD = 'test-bed-secret'
const ON_TEST_SERVERS = { synchronous: 'normal' } as const satisfies MysqlOptions
const ENCRYPTED = { name: 'encryption', level: 'ok', detail: 'TLS' }
/** The certificate's key is of an elliptic curve. */
const OF_OTHER_KEYS = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const
/** What both drivers take. */
type OfDrivers = Readonly<Partial<Record<'cert' | 'key' | 'ciphers', string>>> & {
  readonly maxVersion?: 'TLSv1.2'
}

const DISAGREEMENTS: readonly [string, OfDrivers, RegExp][] = [
  [
    'a server with no cipher in common',
    OF_OTHER_KEYS,
    / could not agree on TLS with this process: .*handshake failure\.$/,
  ],
  [
    'a client’s key that is none',
    { cert: 'path', key: 'path' },
    / could not agree on TLS with this process: no start line\.$/,
  ],
]

requireServer(describe, 'openssl')('TLS', () => {
  let certificate: Certificate
  let folder: string
  let caFile: string

  beforeAll(async () => {
    certificate = await makeCertificate(['DNS:localhost'])
    folder = mkdtempSync(join(tmpdir(), 'spillway-tls-'))
    // The server runs as another user than the tests.
    chmodSync(folder, 0o755)
    caFile = join(folder, 'ca.pem')
    writeFileSync(caFile, certificate.cert)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  requireServer(describe, 'postgres', { isPrivate: true })('to PostgreSQL', () => {
    let server: PostgresServer
    /** By the name that its certificate has. */
    let url: string

    beforeAll(async () => {
      const hba = join(folder, 'pg_hba.conf')
      writeFileSync(
        hba,
        'local all all trust\nhost all spillway all trust\nhostssl all encrypted all trust\n',
      )
      server = await startPostgres({ fsync: false, certificate, settings: { hba_file: hba } })
      url = server.url.replace('127.0.0.1', 'localhost')
    })
    afterAll(() => server?.stop())

    it.each<[string, () => [string, PostgresOptions]]>([
      ['in the url', () => [`${url}?sslmode=verify-full&sslrootcert=${caFile}`, { schema: 'by_url' }]],
      ['beside it', () => [url, { connection: { ssl: { ca: certificate.cert } }, schema: 'by_option' }]],
    ])('carries everything once its authority is named %s', async (_, given) => {
      const [address, options] = given()
      const [store, other] = [postgres(address, options), postgres(address, options)]
      await store.schema.migrate()
      for (const { open, close } of [store, other]) {
        await open()
        onTestFinished(close)
      }
      expect(await store.examine(() => 0)).toContainEqual(ENCRYPTED)
      const woken = nextHint(other)
      await workThrough(store, async (tx) => {
        const { rows } = await tx.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
        expect(rows).toEqual([{ ssl: true }])
      })
      expect(await woken).toBe('main')
      await using boss = await openSession(server.url)
      const [connections] = await boss.query(`
        select count(*)::int as all, count(*) filter (where ssl)::int as encrypted
        from pg_stat_activity join pg_stat_ssl using (pid) where application_name = 'spillway'`)
      // The calls of one, a handler's transaction, and two that listen.
      expect(connections?.all).toBeGreaterThanOrEqual(4)
      expect(connections?.encrypted).toBe(connections?.all)
    })

    it('asks for the authority of a certificate that nobody known has signed', async () => {
      const { message, details } = await failure(postgres(`${url}?sslmode=verify-full`))
      expect(message).toMatch(
        /^The database at localhost:\d+\/postgres shows a certificate that no authority trusted here has signed\. Name its authority: sslrootcert=\/path\/ca\.pem in the url, or connection: \{ ssl: \{ ca \} \}\.$/,
      )
      expect(details).toMatchObject({ reason: 'certificate' })
    })

    it('tells of a certificate that is another host’s', async () => {
      const { message, details } = await failure(
        postgres(`${server.url}?sslmode=verify-full&sslrootcert=${caFile}`),
      )
      expect(message).toContain(
        'shows a certificate of another host. Connect by a name that it is made out to.',
      )
      expect(details).toMatchObject({ reason: 'certificate' })
    })

    it('tells of a file that is not there', async () => {
      const { message, details } = await failure(
        postgres(`${url}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`),
      )
      expect(message).toContain("no such file or directory, open '/nowhere/ca.pem'")
      expect(details).toMatchObject({ reason: 'tls' })
    })

    it.each(DISAGREEMENTS)('tells of %s', async (_, settings, words) => {
      const ssl = { ca: certificate.cert, ...settings }
      const { message, details } = await failure(postgres(url, { connection: { ssl } }))
      expect(message).toMatch(words)
      expect(details).toMatchObject({ reason: 'tls' })
    })

    it('is named where the server wants it of this user', async () => {
      const { message, details } = await failure(postgres(url.replace('//spillway:', '//encrypted:')))
      expect(message).toContain(
        'does not let this connection in without encryption. Ask for TLS by sslmode=verify-full in the url',
      )
      expect(details).toMatchObject({ reason: 'tls_required' })
    })

    it('is missed where the server has none', async () => {
      const plain = await sharedPostgres()
      const { message, details } = await failure(postgres(`${plain.url}?sslmode=verify-full`))
      expect(message).toContain('takes no encrypted connections, and one is asked for. Set ssl to on')
      expect(details).toMatchObject({ reason: 'tls_unavailable' })
    })
  })

  requireServer(describe, 'mariadb', { isPrivate: true })('to MariaDB', () => {
    let server: MariaDbServer
    let boss: Session
    let url: string

    beforeAll(async () => {
      server = await startMariaDb({ fsync: false, certificate })
      boss = await openSession(server.url)
      url = server.url.replace('127.0.0.1', 'localhost')
    })
    afterAll(async () => {
      await boss?.close()
      await server?.stop()
    })

    it.each<[string, () => [string, MysqlOptions]]>([
      [
        'in the URL',
        () => [`${url}?ssl=${encodeURIComponent(JSON.stringify({ ca: certificate.cert }))}`, {}],
      ],
      ['beside it', () => [url, { connection: { ssl: { ca: certificate.cert } } }]],
    ])('carries everything once its authority is named %s', async (_, given) => {
      await wantedOfEverybody()
      const [address, options] = given()
      const store = mysql(address, { ...ON_TEST_SERVERS, ...options })
      await store.schema.migrate()
      await store.open()
      onTestFinished(() => store.close())
      expect(await store.examine(() => 0)).toContainEqual(ENCRYPTED)
      await workThrough(store, async (tx: MysqlTx) => {
        const [rows] = await tx.query("show session status like 'Ssl_cipher'")
        expect(rows).toEqual([{ Variable_name: 'Ssl_cipher', Value: expect.stringMatching(/^TLS_/) }])
      })
    })

    it.each(['ssl=true', 'ssl=Amazon%20RDS', 'ssl={}'])(
      'asks for the authority of a certificate that nobody known has signed, for ?%s',
      async (query) => {
        const { message, details } = await failure(mysql(`${url}?${query}`, ON_TEST_SERVERS))
        expect(message).toMatch(
          /^The database localhost:\d+\/spillway_test shows a certificate that no authority trusted here has signed\. Name its authority: connection: \{ ssl: \{ ca \} \}, with the text of its ca\.pem\.$/,
        )
        expect(details).toMatchObject({ reason: 'certificate' })
      },
    )

    it('tells of a certificate that is another host’s, and lets those in who do not mind', async () => {
      const other = await makeCertificate(['DNS:example.test'])
      await present(other)
      onTestFinished(() => present(certificate))
      const connect = (ssl: object) =>
        mysql(url, { ...ON_TEST_SERVERS, connection: { ssl: { ca: other.cert, ...ssl } } })
      const { message, details } = await failure(connect({}))
      expect(message).toContain(
        'shows a certificate of another host. Connect by a name that it is made out to',
      )
      expect(message).toContain('verifyIdentity: false')
      expect(details).toMatchObject({ reason: 'certificate' })
      expect(await connect({ verifyIdentity: false }).schema.state()).toHaveProperty('current')
    })

    it.each(DISAGREEMENTS)('tells of %s', async (_, settings, words) => {
      const ssl = { ca: certificate.cert, ...settings }
      const { message, details } = await failure(mysql(url, { ...ON_TEST_SERVERS, connection: { ssl } }))
      expect(message).toMatch(words)
      expect(details).toMatchObject({ reason: 'tls' })
    })

    // MariaDB says of both that access is denied, as it does of a wrong password.
    it.each<[string, string, () => Promise<void>]>([
      ['everybody', 'spillway', wantedOfEverybody],
      ['this user', 'encrypted', wantedOfEncrypted],
    ])('is named where the server may want it of %s', async (_, user, wanted) => {
      await wanted()
      const { message, details } = await failure(
        mysql(url.replace('//spillway:', `//${user}:`), ON_TEST_SERVERS),
      )
      expect(message).toContain('and whether this user has to ask for TLS (?ssl=true)')
      expect(details).toMatchObject({ reason: 'access_denied' })
    })

    it('is missed where the server has none', async () => {
      const plain = await sharedMariaDb()
      const { message, details } = await failure(mysql(`${plain.url}?ssl=true`, ON_TEST_SERVERS))
      expect(message).toContain('takes no encrypted connections, and one is asked for.')
      expect(details).toMatchObject({ reason: 'tls_unavailable' })
    })

    async function wantedOfEverybody(): Promise<void> {
      await boss.query('set global require_secure_transport = on')
      onTestFinished(async () => void (await boss.query('set global require_secure_transport = off')))
    }

    async function wantedOfEncrypted(): Promise<void> {
      await boss.query(`create user encrypted@'%' identified by '${PASSWORD}' require ssl`)
    }

    /** To whoever connects from now on. */
    async function present({ cert, key }: Certificate): Promise<void> {
      writeFileSync(join(server.folder, 'server.pem'), cert)
      writeFileSync(join(server.folder, 'server.key'), key)
      await boss.query('flush ssl')
    }
  })
})

/** What the store says of itself when it is opened. */
async function failure(store: Pick<Store, 'open'>): Promise<{ message: string; details: object }> {
  const error: unknown = await store.open().catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'store_unavailable' })
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(PASSWORD)
  return error as { message: string; details: object }
}

/** Two chunks: one settled by itself, one with the handler in the same transaction. */
async function workThrough<Tx>(store: Store<Tx>, handle: (tx: Tx) => Promise<void>): Promise<void> {
  await store.append([draft(1), draft(2)])
  const leases = await store.claim({
    ...{ queue: 'main', types: ['work'], chunksMax: 10, commandsMax: 10, leaseMs: 30_000, workerId: 'w' },
  })
  const [first, second] = leases as [Lease, Lease]
  expect(await store.settle([complete(first)])).toEqual(['ok'])
  const settled = await store.settleWithin([second], async ({ tx }) => {
    await handle(tx)
    return [complete(second)]
  })
  expect(settled).toEqual(['ok'])
  expect(await store.reader.accounting()).toMatchObject({ succeeded: 2 })
  await store.prune({ retentionMs: 0, failedRetentionMs: 0, limit: 100 })
}

function draft(n: number): ChunkDraft {
  const id = `0190000000007000${n.toString(16).padStart(16, '8000000000000000')}`
  const place = { queue: 'main', type: 'work', priority: 0, partition: null, codec: 'json' as const }
  return { id, ...place, body: `[${n}]`, size: 1, keys: null, parked: null }
}

function complete({ chunkId, token }: Lease): Settlement {
  return { chunkId, token, updates: [], finished: [], complete: true }
}

function nextHint(store: PostgresStore): Promise<string> {
  return new Promise((resolve) => {
    const stop = store.wake.subscribe((queue) => {
      stop()
      resolve(queue)
    })
  })
}
