// A session that ends with the test.

import { onTestFinished } from 'vitest'
import { openSession, type Session } from '../src/index.js'

export async function session(url: string): Promise<Session> {
  const opened = await openSession(url)
  onTestFinished(() => opened.close())
  return opened
}
