import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { firstAnswer } from '../src/first-answer.js'
import {
  type PgBouncerServer,
  type PostgresServer,
  requireServer,
  startNats,
  startPgBouncer,
  startPostgres,
  startRedis,
} from '../src/index.js'
import { session } from './sessions.js'

requireServer(describe, 'pgbouncer', { isPrivate: true })('a private pgbouncer', () => {
  let postgres: PostgresServer
  let bouncer: PgBouncerServer
  beforeAll(async () => {
    postgres = await startPostgres({ fsync: false })
    bouncer = await startPgBouncer({ postgres, settings: { default_pool_size: '1' } })
  })
  afterAll(async () => {
    await bouncer.stop()
    await postgres.stop()
  })

  it('shares one connection among clients between their transactions', async () => {
    const clients = [await session(bouncer.url), await session(bouncer.url)]
    const backends = []
    for (const client of clients) backends.push(await client.query('select pg_backend_pid() as pid'))
    expect(backends[0]).toEqual(backends[1])
  })

  it('leads to the databases it makes', async () => {
    const { name, url, drop } = await bouncer.createDatabase()
    expect(new URL(url).port).toBe(String(bouncer.port))
    const rows = await (await session(url)).query('select current_database() as name')
    expect(rows).toEqual([{ name }])
    await drop()
  })

  it('can give each client a connection of its own', async () => {
    const own = await startPgBouncer({ postgres, poolMode: 'session' })
    onTestFinished(() => own.stop())
    const pids = []
    for (const client of [await session(own.url), await session(own.url)])
      pids.push(await client.query('select pg_backend_pid() as pid'))
    expect(pids[0]).not.toEqual(pids[1])
  })
})

requireServer(describe, 'nats', { isPrivate: true })('a private nats', () => {
  it('keeps streams, takes settings, answers again after it was killed, and is gone once stopped', async () => {
    const nats = await startNats({ settings: ['max_payload: 64KB'] })
    expect(await greeting(nats.port)).toMatchObject({ max_payload: 65_536, jetstream: true })
    await nats.kill()
    await expect(greeting(nats.port)).rejects.toThrow('ECONNREFUSED')
    await nats.restart()
    expect(await greeting(nats.port)).toMatchObject({ jetstream: true })
    await nats.stop()
    await expect(greeting(nats.port)).rejects.toThrow('ECONNREFUSED')
    expect(existsSync(nats.folder)).toBe(false)
  })
})

requireServer(describe, 'redis', { isPrivate: true })('a private redis', () => {
  it('takes settings, answers, and is gone once stopped', async () => {
    const redis = await startRedis({ settings: { appendonly: 'yes' } })
    expect(await ask(redis.port, 'CONFIG GET appendonly')).toBe('*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n')
    await redis.stop()
    await expect(ask(redis.port, 'PING')).rejects.toThrow('ECONNREFUSED')
    expect(existsSync(redis.folder)).toBe(false)
  })
})

function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.write(`${command}\r\n`))
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

/** What a NATS server says first: `INFO` and its facts. */
async function greeting(port: number): Promise<unknown> {
  const text = await firstAnswer({ host: '127.0.0.1', port })
  return JSON.parse(text.slice('INFO '.length))
}
