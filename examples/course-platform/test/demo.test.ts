import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { runDemo, startDemo } from './command.js'

const CLICKS = 2_000
/** A dozen processes and thousands of commits, on whatever disk this runs. */
const RUN_MS_MAX = 300_000
/** Every hundredth click is sent twice, and every hundredth of the HTTP half a third time. */
const RETRIES = CLICKS / 100 + CLICKS / 200

/** The others need servers, or an agent: patterns.test.ts. */
const LOCAL = ['sync', 'pool', 'buffer', 'store']

test(
  'with --json --exit the last word is one JSON line in which nothing is lost and nothing counted twice',
  async () => {
    const { exitCode, stdout, stderr } = await runDemo(
      ...['--json', '--exit', '--clicks', String(CLICKS), '--patterns', LOCAL.join(',')],
    )
    expect(stderr).toContain('Verified row by row')
    expect(exitCode).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({
      submitted: CLICKS + RETRIES,
      accepted: CLICKS,
      duplicates: RETRIES,
      landed: CLICKS,
      lost: 0,
      duplicateEffects: 0,
    })
    const lost = Object.fromEntries(
      result.patterns.map(({ pattern, lostWhenKilled }: Record<string, number>) => [pattern, lostWhenKilled]),
    )
    expect(Object.keys(lost)).toEqual(LOCAL)
    expect(lost).toMatchObject({ sync: 0, store: 0 })
  },
  RUN_MS_MAX,
)

test(
  'without --exit it stays up for requests until it is interrupted, and then ends cleanly',
  async () => {
    const demo = startDemo('--clicks', '1000', '--port', '0', '--no-patterns')
    await demo.prints('until Ctrl-C')
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(demo.output())?.[0]
    const { courses } = (await (await fetch(`${url}/courses`)).json()) as { courses: unknown[] }
    expect(courses).toHaveLength(22)
    demo.interrupt()
    expect((await demo.finished()).exitCode).toBe(0)
  },
  RUN_MS_MAX,
)

test('a wrong flag is answered with the usage and exit code 2', async () => {
  const { exitCode, stdout, stderr } = await runDemo('--clicks', 'many')
  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain('--clicks: expected a whole number')
  expect(stderr).toContain('Usage:')
})

test('a busy port is named, with what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const { exitCode, stderr } = await runDemo('--clicks', '100', '--port', String(port))
  expect(exitCode).toBe(1)
  expect(stderr).toContain(`Port ${port} is in use`)
  expect(stderr).toContain('--port')
})

test(
  'an interrupt in the middle of the work ends it without a word of error',
  async () => {
    const demo = startDemo('--clicks', '100000', '--port', '0')
    await demo.prints('100,000 real clicks')
    demo.interrupt()
    const { exitCode, stderr } = await demo.finished()
    expect(exitCode).toBe(130)
    expect(stderr).toBe('')
  },
  RUN_MS_MAX,
)
