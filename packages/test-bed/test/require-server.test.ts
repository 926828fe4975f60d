import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest'
import { requireServer } from '../src/index.js'

const stub = Object.assign(vi.fn(), { skip: vi.fn() })
let printed: MockInstance<typeof console.warn>

beforeEach(() => {
  printed = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  vi.stubEnv('CI', '')
  vi.spyOn(process, 'platform', 'get').mockReturnValue('darwin')
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  stub.mockClear()
  stub.skip.mockClear()
})

describe('a test that needs a server which cannot be had', () => {
  it('is skipped with the reason in its name, which is printed once', () => {
    requireServer(stub, 'redis')('a queue', () => undefined)
    requireServer(stub, 'redis')('another queue', () => undefined)
    const [[name] = [], [other] = []] = stub.skip.mock.calls as [string][]
    expect(name).toBe('a queue (skipped: private redis servers need Linux)')
    expect(other).toBe('another queue (skipped: private redis servers need Linux)')
    expect(printed.mock.calls).toEqual([['skipping tests: private redis servers need Linux']])
    expect(stub).not.toHaveBeenCalled()
  })

  it('fails in continuous integration', () => {
    vi.stubEnv('CI', 'true')
    expect(() => requireServer(stub, 'redis')).toThrow('CI must not skip tests on redis')
  })

  it('says how to use a server of one’s own', () => {
    requireServer(stub, 'mariadb')('a store', () => undefined)
    const [[name] = []] = stub.skip.mock.calls as [string][]
    expect(name).toContain('or set SPILLWAY_TEST_MYSQL_URL')
  })

  it('runs on the server that a URL names, unless it wants to stop it', () => {
    vi.stubEnv('SPILLWAY_TEST_POSTGRES_URL', 'postgres://127.0.0.1/test')
    expect(requireServer(stub, 'postgres')).toBe(stub)
    requireServer(stub, 'postgres', { isPrivate: true })('a fault', () => undefined)
    expect(stub.skip).toHaveBeenCalledOnce()
  })
})
