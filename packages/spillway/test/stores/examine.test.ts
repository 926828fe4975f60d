import { afterAll, describe, expect, it, vi } from 'vitest'
import type { ExaminedStore } from '../../src/ports/index.js'
import { mysql } from '../../src/stores/mysql/index.js'
import { postgres } from '../../src/stores/postgres/index.js'

const NOBODY = '127.0.0.1:1'

describe.each([
  ['PostgreSQL', () => postgres(`postgres://user@${NOBODY}/none`)],
  ['MySQL', () => mysql(`mysql://user@${NOBODY}/none`)],
] as const)('examining a server of %s', (_, make) => {
  const store = make() as unknown as ExaminedStore
  afterAll(() => store.close())

  it('asks for the time of this machine once the server has told its own, or the way there would look like a difference', async () => {
    const now = vi.fn(() => 0)
    await expect(store.examine(now)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(now).not.toHaveBeenCalled()
  })
})
