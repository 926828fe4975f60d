// What a caller does whose database is away for a moment: asks again, until there is an answer.

import { expect } from 'vitest'

/** `failuresMax`: connections may be found dead one after the other, and a busy machine may be late. Whatever else fails is not asked again. */
export async function untilAnswered<T>(ask: () => Promise<T>, failuresMax: number): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await ask()
    } catch (error) {
      expect(error).toMatchObject({ code: 'store_unavailable' })
      expect(failures).toBeLessThan(failuresMax)
    }
  }
}
